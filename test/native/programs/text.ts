// Text to bytes and back.
import * as native from "native";
import { equal, thrown } from "./report.ts";

const replaced = "\uFFFD";
/** Bytes, and what they are as text: the examples of the Encoding standard and of Unicode's chapter 3.9. */
const decoded: readonly (readonly [readonly number[], string])[] = [
  [[], ""],
  [[0], "\0"],
  [[0x61, 0, 0x62], "a\0b"],
  [[0x7f], "\x7f"],
  [[0xc3, 0xa9], "é"],
  [[0xe2, 0x82, 0xac], "€"],
  [[0xf0, 0x9f, 0x98, 0x80], "😀"],
  [[0xf4, 0x8f, 0xbf, 0xbf], "\u{10FFFF}"],
  [[0xef, 0xbb, 0xbf, 0x61], "\uFEFFa"],
  [[0x80], replaced],
  [[0xff, 0xfe], replaced + replaced],
  [[0xc0, 0xaf], replaced + replaced],
  [[0xc3], replaced],
  [[0xc3, 0x28], `${replaced}(`],
  [[0xe2, 0x82], replaced],
  [[0xe2, 0x82, 0x61], `${replaced}a`],
  [[0xe0, 0x80, 0x80], replaced.repeat(3)],
  [[0xed, 0xa0, 0x80], replaced.repeat(3)],
  [[0xf0, 0x9f, 0x98], replaced],
  [[0xf0, 0x9f, 0x98, 0x61], `${replaced}a`],
  [[0xf4, 0x90, 0x80, 0x80], replaced.repeat(4)],
  [[0xf5, 0x80], replaced.repeat(2)],
  [
    [0x61, 0xf1, 0x80, 0x80, 0xe1, 0x80, 0xc2, 0x62, 0x80, 0x63, 0x80, 0xbf, 0x64],
    `a${replaced.repeat(3)}b${replaced}c${replaced.repeat(2)}d`,
  ],
];

export const cases = {
  "bytes become text, and what is not UTF-8 becomes U+FFFD": () => {
    for (const [bytes, text] of decoded) equal(native.decodeUtf8(new Uint8Array(bytes)), text, JSON.stringify(bytes));
  },
  "what is not UTF-8 is refused where that is asked for": () => {
    for (const [bytes, text] of decoded) {
      const decode = () => native.decodeUtf8(new Uint8Array(bytes), true);
      if (text.includes(replaced)) equal(thrown(decode) instanceof TypeError, true, JSON.stringify(bytes));
      else equal(decode(), text);
    }
  },
  "text becomes UTF-8, and half a surrogate pair U+FFFD": () => {
    for (const [bytes, text] of decoded) {
      if (!text.includes(replaced)) equal([...native.encodeUtf8(text)], bytes);
    }
    equal(native.decodeUtf8(native.encodeUtf8("a\uD800b\uDC00")), `a${replaced}b${replaced}`);
    equal([...native.encodeUtf8("\uD83D")], [0xef, 0xbf, 0xbd]);
    equal(native.decodeUtf8(native.encodeUtf8("\uD83D\uDE00\uDE00")), `😀${replaced}`);
  },
  "every character goes through UTF-8 unharmed": () => {
    for (let first = 0; first < 0x11_0000; first += 0x1000) {
      if (first >= 0xd000 && first < 0xe000) continue;
      const text = String.fromCodePoint(...Array.from({ length: 0x1000 }, (_, index) => first + index));
      equal(native.decodeUtf8(native.encodeUtf8(text), true) === text, true, first.toString(16));
    }
  },
  "Latin-1 is a byte a character": () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const text = native.decodeLatin1(bytes);
    equal(
      Array.from(text, (character) => character.codePointAt(0)),
      [...bytes],
    );
    equal([...native.encodeLatin1(text)], [...bytes]);
    for (const wide of ["Ā", "€", "a😀", "\uD800"])
      equal(thrown(() => native.encodeLatin1(wide)) instanceof RangeError, true);
  },
  "a long text that was put together of many goes through": () => {
    let text = "";
    for (let index = 0; index < 200_000; index++) text += "ab€";
    equal(native.decodeUtf8(native.encodeUtf8(text)) === text, true);
    equal(native.encodeUtf8(text).byteLength, 1_000_000);
  },
  "a part of a buffer is what is decoded": () => {
    const bytes = new Uint8Array([97, 98, 99, 100]);
    equal(native.decodeUtf8(bytes.subarray(1, 3)), "bc");
    equal(native.decodeLatin1(new Uint8Array(bytes.buffer, 3)), "d");
  },
};
