// Docker's volume plugin protocol, as the daemon speaks it (moby/volume/drivers, pkg/plugins).
import { describe, expect, test } from "vitest";
import { formatAnswer, parseRequest, type VolumeAnswer, type VolumeRequest } from "../../../src/volumes/protocol.ts";

describe("a request is understood", () => {
  test.each<readonly [string, string, VolumeRequest]>([
    ["/Plugin.Activate", "", { kind: "activate" }],
    ["/Plugin.Activate", "null", { kind: "activate" }],
    ["/VolumeDriver.Capabilities", "{}\n", { kind: "capabilities" }],
    ["/VolumeDriver.List", "{}\n", { kind: "list" }],
    [
      "/VolumeDriver.Create",
      '{"Name":"v","Opts":{"share":"nas:/x"}}',
      { kind: "create", name: "v", options: { share: "nas:/x" } },
    ],
    ["/VolumeDriver.Create", '{"Name":"v","Opts":null}', { kind: "create", name: "v", options: {} }],
    ["/VolumeDriver.Create", '{"Name":"v"}', { kind: "create", name: "v", options: {} }],
    ["/VolumeDriver.Get", '{"Name":"nas/x"}', { kind: "get", name: "nas/x" }],
    ["/VolumeDriver.Path", '{"Name":"v"}', { kind: "path", name: "v" }],
    ["/VolumeDriver.Remove", '{"Name":"v"}', { kind: "remove", name: "v" }],
    ["/VolumeDriver.Mount", '{"Name":"v","ID":"i"}', { kind: "mount", name: "v", id: "i" }],
    ["/VolumeDriver.Unmount", '{"Name":"v"}', { kind: "unmount", name: "v", id: "" }],
  ])("POST %s %s", (path, body, request) => {
    expect(parseRequest("POST", path, body)).toEqual({ kind: "request", request });
  });
});

describe("a request is refused", () => {
  test.each<readonly [string, string, string, number]>([
    ["GET", "/VolumeDriver.List", "", 405],
    ["POST", "/VolumeDriver.Nothing", "{}", 404],
    ["POST", "/NetworkDriver.Join", "{}", 404],
    ["POST", "/constructor", "{}", 404],
    ["POST", "constructor", '{"Name":"v"}', 404],
    ["POST", "__proto__", "", 404],
    ["POST", "/VolumeDriver.Get", "", 400],
    ["POST", "/VolumeDriver.Get", "{", 400],
    ["POST", "/VolumeDriver.Get", "null", 400],
    ["POST", "/VolumeDriver.Get", "[]", 400],
    ["POST", "/VolumeDriver.Get", "{}", 400],
    ["POST", "/VolumeDriver.Get", '{"Name":""}', 400],
    ["POST", "/VolumeDriver.Get", '{"Name":7}', 400],
    ["POST", "/VolumeDriver.Get", `{"Name":"${"x".repeat(201)}"}`, 400],
    // Each takes nine bytes in the name of a directory.
    ["POST", "/VolumeDriver.Get", `{"Name":"${"\u20ac".repeat(23)}"}`, 400],
    ["POST", "/VolumeDriver.Get", `{"Name":"${"a/".repeat(51)}"}`, 400],
    ["POST", "/VolumeDriver.Mount", '{"Name":"v","ID":7}', 400],
    ["POST", "/VolumeDriver.Mount", `{"Name":"v","ID":"${"x".repeat(256)}"}`, 400],
    ["POST", "/VolumeDriver.Create", '{"Name":"v","Opts":[]}', 400],
    ["POST", "/VolumeDriver.Create", '{"Name":"v","Opts":{"a":1}}', 400],
  ])("%s %s %s with %d", (method, path, body, status) => {
    expect(parseRequest(method, path, body)).toMatchObject({ kind: "refused", status });
  });
});

test.each<readonly [VolumeAnswer, unknown]>([
  [{ kind: "activated" }, { Implements: ["VolumeDriver"] }],
  [{ kind: "capabilities" }, { Capabilities: { Scope: "local" }, Err: "" }],
  [{ kind: "done" }, { Err: "" }],
  [{ kind: "error", reason: "why" }, { Err: "why" }],
  [
    { kind: "mountpoint", path: "/v" },
    { Mountpoint: "/v", Err: "" },
  ],
  [
    { kind: "volume", volume: { name: "v", createdMs: 0, status: { state: "unused" } } },
    {
      Volume: { Name: "v", Mountpoint: "", CreatedAt: "1970-01-01T00:00:00.000Z", Status: { state: "unused" } },
      Err: "",
    },
  ],
  [
    { kind: "volumes", volumes: [{ name: "v", createdMs: 86_400_000 }] },
    { Volumes: [{ Name: "v", Mountpoint: "", CreatedAt: "1970-01-02T00:00:00.000Z" }], Err: "" },
  ],
])("the answer %j is %j", (answer, body) => {
  expect(JSON.parse(formatAnswer(answer))).toEqual(body);
});
