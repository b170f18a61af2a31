// The first question of SMB, NEGOTIATE, and its answer, as bytes ([MS-SMB2] 2.2.3, 2.2.4; framed as [MS-SMB2] 2.1 has it for TCP).

/** Bytes of the length in front of a message, and of a message's header. */
const frameBytes = 4;
const headerBytes = 64;

/** The longest answer that is read: the token of the security package is what is long in it. */
export const longestAnswerBytes = 65_536;

/** Every version that is negotiated without contexts: 2.0.2, 2.1, 3.0 and 3.0.2. A server that wants a newer one says so in its answer. */
const dialects = [0x0202, 0x0210, 0x0300, 0x0302] as const;

const protocolId = [0xfe, 0x53, 0x4d, 0x42] as const;

/** The question, framed. */
export function negotiateRequest(): Uint8Array {
  const bodyBytes = 36 + 2 * dialects.length;
  const bytes = new Uint8Array(frameBytes + headerBytes + bodyBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, headerBytes + bodyBytes);
  bytes.set(protocolId, frameBytes);
  view.setUint16(frameBytes + 4, headerBytes, true);
  // Credits asked for; the command is 0, as is everything else of the header.
  view.setUint16(frameBytes + 14, 1, true);
  const body = frameBytes + headerBytes;
  view.setUint16(body, 36, true);
  view.setUint16(body + 2, dialects.length, true);
  // Signing is enabled.
  view.setUint16(body + 4, 1, true);
  // A client's GUID is not all zeros where it speaks 2.1 or newer.
  bytes.fill(0x6e, body + 12, body + 28);
  for (const [index, dialect] of dialects.entries()) view.setUint16(body + 36 + 2 * index, dialect, true);
  return bytes;
}

/** What has come of an answer. */
export type NegotiateAnswer =
  | { readonly kind: "incomplete" }
  /** The service is there; whatever it says of the versions. */
  | { readonly kind: "answered" }
  /** It answers, with something else: a clause. */
  | { readonly kind: "other"; readonly reason: string };

/** NEGATIVE SESSION RESPONSE (RFC 1002, section 4.3.4). */
const negativeSessionResponse = 0x83;

/** STATUS_NOT_SUPPORTED: none of the versions asked for is spoken, so that a newer one is. */
const notSupported = 0xc000_00bb;

/** Reads the beginning of what a server sent. */
export function readNegotiateAnswer(bytes: Uint8Array): NegotiateAnswer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[0] === negativeSessionResponse)
    return other("refuses this client, as Samba does by hosts allow or hosts deny");
  if (bytes.byteLength > 0 && bytes[0] !== 0) return other("does not speak SMB");
  if (bytes.byteLength < frameBytes) return { kind: "incomplete" };
  const length = view.getUint32(0);
  if (length < headerBytes || length > longestAnswerBytes) return other("does not speak SMB 2 or newer");
  if (bytes.byteLength < frameBytes + headerBytes) return { kind: "incomplete" };
  if (!protocolId.every((byte, index) => bytes[frameBytes + index] === byte))
    return other("does not speak SMB 2 or newer");
  const isAnswer = (view.getUint32(frameBytes + 16, true) & 1) === 1 && view.getUint16(frameBytes + 12, true) === 0;
  if (!isAnswer) return other("does not answer NEGOTIATE");
  const status = view.getUint32(frameBytes + 8, true);
  if (status === 0 || status === notSupported) return { kind: "answered" };
  return other(`answers NEGOTIATE with status 0x${status.toString(16).padStart(8, "0")}`);
}

function other(reason: string): NegotiateAnswer {
  return { kind: "other", reason };
}
