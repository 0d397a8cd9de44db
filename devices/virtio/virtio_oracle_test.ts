// Holds the registers of the transport against those of QEMU's virtio-mmio, by register accesses alone.
// Where ours differ on purpose, the script leaves the difference out and says why.

import { assertEquals } from "@std/assert";
import { qemuMissing, QtestScript } from "../qtest.ts";
import { Pin, Random } from "../testing.ts";
import { FakeMemory, queueAreas } from "./driver_testing.ts";
import { VIRTIO_MMIO_REGISTERS as R, VIRTIO_STATUS, VirtioMmio } from "./virtio_mmio.ts";
import { VirtioRng } from "./virtio_rng.ts";

const missing = qemuMissing();
if (missing !== undefined) console.log(`virtio_oracle_test: skipped, ${missing}`);

const BASE = 0x1000_8000;
const QEMU_ARGS = ["-global", "virtio-mmio.force-legacy=false", "-device", "virtio-rng-device"];
/** VERSION_1, EVENT_IDX and INDIRECT_DESC. QEMU offers queue resets, and things of before 1.0. */
const FEATURE_MASKS = [0x3000_0000, 1] as const;
const { ACKNOWLEDGE, DRIVER, FEATURES_OK, DRIVER_OK } = VIRTIO_STATUS;

Deno.test({
  name: "as on QEMU: registers of a virtio-mmio entropy device",
  ignore: missing !== undefined,
  async fn() {
    for (const seed of [1, 2, 3]) {
      const random = new Random(seed);
      const device = new VirtioMmio({
        memory: new FakeMemory(),
        interrupt: new Pin(),
        backend: new VirtioRng(),
      });
      const script = new QtestScript();
      const rng = { base: BASE, device };
      const write = ({ offset }: { offset: number }, value: number) =>
        script.write(rng, offset, 4, value);
      const read = ({ offset }: { offset: number }, mask?: number) =>
        script.read(rng, offset, 4, mask);
      const look = [
        () => read(R.MagicValue),
        () => read(R.Version),
        () => read(R.DeviceID),
        () => read(R.Status),
        () => read(R.InterruptStatus),
        () => read(R.ConfigGeneration),
        () => read(R.SHMLenLow),
        () => read(R.SHMLenHigh),
        // Not SHMBase: it is all ones too if there is no region (4.2.2), but QEMU tells 0.
        () => write(R.InterruptACK, random.below(4)),
        // Write-only registers read 0; QEMU tells the queues' addresses, though.
        () => read(random.pick([R.DeviceFeaturesSel, R.DriverFeatures, R.QueueSel, R.QueueNum])),
        () => {
          const word = random.below(2);
          write(R.DeviceFeaturesSel, word);
          read(R.DeviceFeatures, FEATURE_MASKS[word]);
        },
        () => {
          write(R.QueueSel, 0);
          read(R.QueueReady);
          // QEMU takes queues of any size, and its own queue size of 8 for a proposal.
          assertEquals(read(R.QueueNumMax, 0), 8);
          write(R.QueueSel, 1 + random.below(1000));
          read(R.QueueNumMax);
        },
        () => script.read(rng, R.MagicValue.offset, random.pick([1, 2])),
        () => script.write(rng, R.Status.offset, random.pick([1, 2]), 1),
      ];
      for (let round = 0; round < 20; round++) {
        const browse = () => {
          for (let n = random.below(12); n > 0; n--) random.pick(look)();
        };
        write(R.Status, 0);
        browse();
        write(R.Status, ACKNOWLEDGE);
        write(R.Status, ACKNOWLEDGE | DRIVER);
        browse();
        const features = [random.uint32() & FEATURE_MASKS[0], 1];
        for (const word of [0, 1]) {
          write(R.DriverFeaturesSel, word);
          write(R.DriverFeatures, features[word]! >>> 0);
        }
        write(R.Status, ACKNOWLEDGE | DRIVER | FEATURES_OK);
        assertEquals(read(R.Status), ACKNOWLEDGE | DRIVER | FEATURES_OK);
        browse();
        const areas = queueAreas(random.below(3));
        write(R.QueueSel, 0);
        assertEquals(read(R.QueueReady), 0);
        write(R.QueueNum, random.pick([1, 2, 4, 8]));
        write(R.QueueDescLow, areas.descriptorArea);
        write(R.QueueDriverLow, areas.driverArea);
        write(R.QueueDeviceLow, areas.deviceArea);
        for (const high of [R.QueueDescHigh, R.QueueDriverHigh, R.QueueDeviceHigh]) write(high, 0);
        write(R.QueueReady, 1);
        assertEquals(read(R.QueueReady), 1);
        browse();
        write(R.Status, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
        browse();
        // Its rings are empty.
        write(R.QueueNotify, 0);
        assertEquals(read(R.InterruptStatus), 0);
        browse();
      }
      await script.assertSameOnQemu(QEMU_ARGS);
    }
  },
});
