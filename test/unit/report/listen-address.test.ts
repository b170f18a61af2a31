// NFS_LISTEN: where the server listens.
import { listenAddress } from "../../../src/config/values.ts";
import { expect, test } from "vitest";

test.each([
  [":9090", { kind: "tcp", host: "127.0.0.1", port: 9090 }],
  ["0.0.0.0:80", { kind: "tcp", host: "0.0.0.0", port: 80 }],
  ["localhost:65535", { kind: "tcp", host: "localhost", port: 65_535 }],
  ["[::1]:9090", { kind: "tcp", host: "::1", port: 9090 }],
  ["[10.0.0.2]:9090", { kind: "tcp", host: "10.0.0.2", port: 9090 }],
  ["/run/nfs-init/http.sock", { kind: "socket", path: "/run/nfs-init/http.sock" }],
  [`/${"s".repeat(106)}`, { kind: "socket", path: `/${"s".repeat(106)}` }],
  ["off", "off"],
  ["No", "off"],
])("%s is understood", (text, address) => {
  expect(listenAddress.parse(text)).toEqual(address);
});

test.each([
  "9090",
  ":",
  ":0",
  ":65536",
  ":123456",
  "::1:9090",
  "host:",
  "host:http",
  "a b:90",
  "[]:90",
  "http.sock",
  "http://h:90",
  `/${"s".repeat(107)}`,
  "on",
])("%s is not", (text) => {
  expect(listenAddress.parse(text)).toBeUndefined();
});
