// Wyhash, final version 4, with seed 0: 64 bits that name a long lock file, as earlier versions of nfs-init named it.
// https://github.com/wangyi-fudan/wyhash

const mask = (1n << 64n) - 1n;
const secret = [0xa0761d6478bd642fn, 0xe7037ed1a0b428dbn, 0x8ebc6af09c88c6e3n, 0x589965cc75374cc3n] as const;

function mix(one: bigint, other: bigint): bigint {
  const product = (one & mask) * (other & mask);
  return (product & mask) ^ (product >> 64n);
}

/** The hash of some bytes. */
export function wyhash(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read8 = (offset: number) => view.getBigUint64(offset, true);
  const read4 = (offset: number) => BigInt(view.getUint32(offset, true));
  const { byteLength: length } = bytes;
  const state = [0, 1, 2].map(() => mix(secret[0], secret[1]));
  let [seed = 0n, seed1 = 0n, seed2 = 0n] = state;
  let a = 0n;
  let b = 0n;
  if (length <= 16) {
    if (length >= 4) {
      const step = (length >> 3) << 2;
      a = (read4(0) << 32n) | read4(step);
      b = (read4(length - 4) << 32n) | read4(length - 4 - step);
    } else if (length > 0) {
      a = (BigInt(bytes[0] ?? 0) << 16n) | (BigInt(bytes[length >> 1] ?? 0) << 8n) | BigInt(bytes[length - 1] ?? 0);
    }
  } else {
    let offset = 0;
    if (length >= 48) {
      for (; offset + 48 < length; offset += 48) {
        seed = mix(read8(offset) ^ secret[1], read8(offset + 8) ^ seed);
        seed1 = mix(read8(offset + 16) ^ secret[2], read8(offset + 24) ^ seed1);
        seed2 = mix(read8(offset + 32) ^ secret[3], read8(offset + 40) ^ seed2);
      }
      seed ^= seed1 ^ seed2;
    }
    for (; offset + 16 < length; offset += 16) seed = mix(read8(offset) ^ secret[1], read8(offset + 8) ^ seed);
    a = read8(length - 16);
    b = read8(length - 8);
  }
  const product = ((a ^ secret[1]) & mask) * ((b ^ seed) & mask);
  return mix((product & mask) ^ secret[0] ^ BigInt(length), (product >> 64n) ^ secret[1]);
}
