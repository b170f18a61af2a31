// Questions and answers of multicast DNS, as far as a one-shot query for the addresses of a name needs them (RFC 6762 section
// 5.1, RFC 1035 section 4).

const typeA = 1;
const typeAAAA = 28;
const classInternet = 1;
/** Set in the class of a record that is the only one of its name (RFC 6762 section 10.2). */
const cacheFlush = 0x8000;
const headerBytes = 12;
const longestLabelBytes = 63;
const longestNameBytes = 255;

/** Whether a name is one that multicast DNS answers for. */
export function isMulticastName(name: string): boolean {
  return /^.+\.local\.?$/i.test(name);
}

/** A query for the addresses of a name of one family; undefined where it cannot be one. */
export function encodeQuery(name: string, family: 4 | 6, id: number): Uint8Array<ArrayBuffer> | undefined {
  const labels = labelsOf(name);
  if (labels === undefined) return undefined;
  const header = [id >> 8, id & 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  return Uint8Array.from([...header, ...labels, 0, family === 4 ? typeA : typeAAAA, 0, classInternet]);
}

function labelsOf(name: string): readonly number[] | undefined {
  const encoder = new TextEncoder();
  const labels = name
    .replace(/\.$/, "")
    .split(".")
    .map((label) => encoder.encode(label));
  if (labels.some(({ byteLength }) => byteLength === 0 || byteLength > longestLabelBytes)) return undefined;
  const bytes = [...labels.flatMap((label) => [label.byteLength, ...label]), 0];
  return bytes.length <= longestNameBytes ? bytes : undefined;
}

/**
 * The addresses that a message gives for a name, none where it is no answer to our question. A link-local IPv6 address is left
 * out: it means nothing without the interface that the answer came from.
 */
export function decodeAnswer(message: Uint8Array, name: string, id: number): readonly string[] {
  const reader = messageReader(message);
  const header = reader.words(headerBytes / 2);
  const [gotId, flags = 0, questions = 0, answers = 0, authorities = 0, additionals = 0] = header ?? [];
  const isAnswer = (flags & 0x8000) !== 0 && (flags & 0x000f) === 0;
  if (header === undefined || gotId !== id || !isAnswer) return [];
  for (let count = 0; count < questions; count++) {
    if (reader.name() === undefined || reader.words(2) === undefined) return [];
  }
  const wanted = name.replace(/\.$/, "").toLowerCase();
  const found: string[] = [];
  for (let count = 0; count < answers + authorities + additionals; count++) {
    const owner = reader.name();
    const fixed = reader.words(5);
    if (owner === undefined || fixed === undefined) break;
    const [type, recordClass = 0, , , length = 0] = fixed;
    const data = reader.bytes(length);
    if (data === undefined) break;
    if (owner.toLowerCase() !== wanted || (recordClass & ~cacheFlush) !== classInternet) continue;
    const address = type === undefined ? undefined : addressOf(type, data);
    if (address !== undefined && !found.includes(address)) found.push(address);
  }
  return found;
}

function addressOf(type: number, data: Uint8Array): string | undefined {
  if (type === typeA && data.byteLength === 4) return data.join(".");
  if (type !== typeAAAA || data.byteLength !== 16) return undefined;
  const isLinkLocal = data[0] === 0xfe && ((data[1] ?? 0) & 0xc0) === 0x80;
  if (isLinkLocal) return undefined;
  return Array.from({ length: 8 }, (_, index) =>
    (((data[2 * index] ?? 0) << 8) | (data[2 * index + 1] ?? 0)).toString(16),
  ).join(":");
}

/** Reads a message from its start; everything is undefined past its end. */
function messageReader(message: Uint8Array) {
  let offset = 0;
  const bytes = (count: number): Uint8Array | undefined => {
    if (offset + count > message.byteLength) return undefined;
    offset += count;
    return message.subarray(offset - count, offset);
  };
  const words = (count: number): readonly number[] | undefined => {
    const read = bytes(2 * count);
    if (read === undefined) return undefined;
    return Array.from({ length: count }, (_, index) => ((read[2 * index] ?? 0) << 8) | (read[2 * index + 1] ?? 0));
  };
  /** A name, whose end may stand earlier in the message: each such jump leads further back, so that they end. */
  const name = (): string | undefined => {
    const labels: string[] = [];
    let at = offset;
    let after: number | undefined;
    for (let length = 0; ;) {
      const first = message[at];
      if (first === undefined) return undefined;
      if (first === 0) {
        offset = after ?? at + 1;
        return labels.join(".");
      }
      if (first >= 0xc0) {
        const target = ((first & 0x3f) << 8) | (message[at + 1] ?? 0);
        if (target >= at) return undefined;
        after ??= at + 2;
        at = target;
        continue;
      }
      length += first + 1;
      if (first > longestLabelBytes || length > longestNameBytes || at + 1 + first > message.byteLength)
        return undefined;
      labels.push(new TextDecoder().decode(message.subarray(at + 1, at + 1 + first)));
      at += 1 + first;
    }
  };
  return { bytes, words, name };
}
