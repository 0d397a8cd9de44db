/**
 * The board: which chips there are, where they lie, and how they are wired. The addresses come from the
 * one memory map.
 *
 * @module
 */

import type { HartArray } from "../core/hart_array.ts";
import { Clint } from "../devices/clint.ts";
import { GoldfishRtc } from "../devices/goldfish_rtc.ts";
import { Plic } from "../devices/plic.ts";
import { type FinishRequest, TestFinisher } from "../devices/test_finisher.ts";
import { Uart16550 } from "../devices/uart16550.ts";
import type { GuestMemory } from "../devices/virtio/guest_memory.ts";
import { VirtioMmio } from "../devices/virtio/virtio_mmio.ts";
import { VirtioRng } from "../devices/virtio/virtio_rng.ts";
import { BOARD, PLIC_SOURCES, RAM_BASE, RNG_SLOT, virtioSlot } from "./memory_map.ts";

/** The chips that a machine talks to. */
export interface Board {
  readonly uart: Uart16550;
  readonly rng: VirtioRng;
}

/** Puts the chips on the harts' bus. `onFinish` hears the test finisher. */
export function createBoard(harts: HartArray, onFinish: (request: FinishRequest) => void): Board {
  const ids = Array.from({ length: harts.hartCount }, (_, id) => id);
  const plic = new Plic({
    contexts: ids.flatMap((id) => [harts.interrupt(id, "MEIP"), harts.interrupt(id, "SEIP")]),
    sources: PLIC_SOURCES,
  });
  const uart = new Uart16550({ clock: harts.clock, interrupt: plic.source(BOARD.uart0.irq) });
  const rtc = new GoldfishRtc({ clock: harts.clock, interrupt: plic.source(BOARD.rtc.irq) });
  const clint = new Clint({
    softwareInterrupts: ids.map((id) => harts.interrupt(id, "MSIP")),
    mtimer: harts,
  });
  const rng = new VirtioRng();
  const rngSlot = virtioSlot(RNG_SLOT);
  const rngTransport = new VirtioMmio({
    memory: guestMemory(harts),
    interrupt: plic.source(rngSlot.irq),
    backend: rng,
  });
  const { bus } = harts;
  bus.map(BOARD.test.name, BOARD.test.base, new TestFinisher({ onFinish }));
  bus.map(BOARD.rtc.name, BOARD.rtc.base, rtc);
  bus.map(BOARD.clint.name, BOARD.clint.base, clint);
  bus.map(BOARD.plic.name, BOARD.plic.base, plic);
  bus.map(BOARD.uart0.name, BOARD.uart0.base, uart);
  bus.map(rngSlot.name, rngSlot.base, rngTransport);
  return { uart, rng };
}

/** RAM for devices that read and write it by themselves. */
function guestMemory(harts: HartArray): GuestMemory {
  const end = RAM_BASE + harts.module.ram.length;
  return {
    contains: (address, sizeBytes) => address >= RAM_BASE && address + sizeBytes <= end,
    bytesAt: (address, sizeBytes) => harts.ramAt(address, sizeBytes),
    written: (address, sizeBytes) => harts.ramWritten(address, sizeBytes),
  };
}
