// Calls that honest clients make: to what serves version 3 beside the kernel, and to the kernel's own server and lock manager.
import { join, opaque, words } from "../unit/fakes/server.ts";

const none = words(0, 0);
const system = join(words(1), opaque(join(words(0), opaque("c1"), words(0, 0, 2, 1, 2))));
const call = (program: number, version: number, procedure: number, ...args: readonly Uint8Array[]) =>
  join(words(7, 0, 2, program, version, procedure), none, none, ...args);
const rpcb = (netid: string, address: string) => [words(100_003, 3), opaque(netid), opaque(address), opaque("0")];
const monId = [opaque("192.0.2.7"), opaque("srv"), words(100_021, 3, 16)];

/** To the portmapper, the MOUNT service and the status monitor. */
export const calls: readonly Uint8Array[] = [
  ...[1, 2, 3].map((procedure) => call(100_000, 2, procedure, words(100_003, 3, 6, 2_049))),
  ...[0, 4, 5].map((procedure) => call(100_000, 2, procedure)),
  ...[1, 2, 3, 9].map((procedure) => call(100_000, 4, procedure, ...rpcb("tcp", "0.0.0.0.8.1"))),
  call(100_000, 3, 3, ...rpcb("udp6", "::.8.1")),
  ...[4, 6, 11].map((procedure) => call(100_000, 4, procedure)),
  ...[1, 3].flatMap((version) => [1, 3].map((procedure) => call(100_005, version, procedure, opaque("/srv/data")))),
  ...[0, 2, 4, 5].map((procedure) => call(100_005, 3, procedure)),
  call(100_024, 1, 1, opaque("c1")),
  call(100_024, 1, 2, ...monId, new Uint8Array(16)),
  call(100_024, 1, 3, ...monId),
  call(100_024, 1, 4, opaque("srv"), words(100_021, 3, 16)),
  call(100_024, 1, 5),
  call(100_024, 1, 6, opaque("c1"), words(3)),
  join(words(7, 0, 2, 100_005, 3, 1), system, none, opaque("/srv/data")),
  join(words(7, 0, 2, 100_005, 3, 1, 6), opaque(new Uint8Array(40)), none),
  words(7, 0, 3, 1, 1, 1),
  words(7, 1, 0, 0, 0, 0),
];

const handle = opaque(words(0x0100_0001, 100, 0, 2));
const compound = (minor: number, ...operations: readonly Uint8Array[]) =>
  call(100_003, 4, 1, opaque("tag"), words(minor, operations.length), ...operations);
const lookup = [words(24), join(words(15), opaque("data")), words(10, 9, 2, 0x10, 0x2)];
const clientOwner = join(words(1, 2), opaque("garbage"));
const session = new Uint8Array(16).fill(0x11);
const channel = words(0, 16_384, 16_384, 0, 16, 1, 0);
const lock = join(opaque("c1"), handle, opaque("1@c1"), words(1, 0, 0, 0, 100));
const cookie = opaque(words(1));

/** To the kernel's server: versions 3 and 4. */
export const nfsCalls: readonly Uint8Array[] = [
  ...[1, 5, 18, 19, 20].map((procedure) => call(100_003, 3, procedure, handle)),
  ...[3, 12, 13].map((procedure) => call(100_003, 3, procedure, handle, opaque("hello"))),
  call(100_003, 3, 4, handle, words(0x3f)),
  call(100_003, 3, 6, handle, words(0, 0, 4_096)),
  call(100_003, 3, 7, handle, words(0, 0, 4, 2), opaque("data")),
  call(100_003, 3, 16, handle, words(0, 0, 0, 0, 4_096)),
  call(100_003, 3, 0),
  call(100_003, 4, 0),
  compound(0, ...lookup),
  compound(2, ...lookup),
  compound(
    0,
    join(words(35, 1, 2), opaque("garbage"), words(0x4000_0000), opaque("tcp"), opaque("1.2.3.4.5.6"), words(1)),
  ),
  compound(1, join(words(42), clientOwner, words(0, 0, 0))),
  compound(1, join(words(43, 1, 2, 1, 0), channel, channel, words(0x4000_0000, 1, 0))),
  compound(1, join(words(53), session, words(1, 0, 0, 0)), ...lookup),
  compound(0, join(words(22), handle), words(25, 0, 0, 0, 16)),
  join(words(7, 0, 2, 100_003, 3, 1), system, none, handle),
];

/** To the kernel's lock manager. */
export const lockCalls: readonly Uint8Array[] = [
  ...[3, 4].flatMap((version) => [
    call(100_021, version, 1, cookie, words(1), lock),
    call(100_021, version, 2, cookie, words(0, 1), lock, words(0, 3)),
    call(100_021, version, 3, cookie, words(0, 1), lock),
    call(100_021, version, 4, cookie, lock),
    call(100_021, version, 5, cookie, words(1), lock),
    call(100_021, version, 20, opaque("c1"), handle, opaque("o"), words(0, 0, 0)),
    call(100_021, version, 23, opaque("c1"), words(3)),
  ]),
  call(100_021, 4, 16, opaque("c1"), words(3), new Uint8Array(16)),
  call(100_021, 4, 0),
];
