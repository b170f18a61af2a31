import { expect, test } from "vitest";
import { askAddresses, type AddressesFact } from "../../../src/ask/addresses.ts";
import { fakeNetwork } from "../fakes/server.ts";

const names = { nas: ["192.0.2.1", "2001:db8::1", "192.0.2.1"], empty: [] };

test.each<[string, 4 | 6 | undefined, AddressesFact]>([
  ["nas", undefined, { kind: "addresses", addresses: ["192.0.2.1", "2001:db8::1"] }],
  ["nas", 6, { kind: "addresses", addresses: ["2001:db8::1"] }],
  ["192.0.2.5", 4, { kind: "addresses", addresses: ["192.0.2.5"] }],
  ["192.0.2.5", 6, { kind: "wrong-family", family: 6, addresses: ["192.0.2.5"] }],
  ["empty", 6, { kind: "no-address" }],
  ["other", undefined, { kind: "unresolved", cause: "unknown", reason: "name not known" }],
])("the addresses of %s in family %s", async (host, family, expected) => {
  expect(await askAddresses(fakeNetwork({}, names), { host, family }, new AbortController().signal)).toEqual(expected);
});
