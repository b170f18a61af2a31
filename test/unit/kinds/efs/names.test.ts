import { describe, expect, test } from "vitest";
import type { Resolved } from "../../../../src/ask/names.ts";
import type { Dial } from "../../../../src/rpc/transport.ts";
import { hostAsked, nameOfId, withIds } from "../../../../src/kinds/efs/names.ts";
import { handClock } from "../../fakes/clock.ts";

type Answers = Readonly<Record<string, string>>;

const document = '{"region":"eu-west-1","availabilityZone":"eu-west-1b"}';
const imds: Answers = {
  "169.254.169.254:80 PUT /latest/api/token": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nTOKEN",
  "169.254.169.254:80 GET /latest/dynamic/instance-identity/document TOKEN": `HTTP/1.0 200 OK\r\n\r\n${document}`,
};

/** Servers of HTTP that send their answers byte by byte, to a request that bears the token where they want one. */
function machine(answers: Answers, names: Answers) {
  const asked: string[] = [];
  const dial: Dial = (address, port) => {
    const chunks: Uint8Array[] = [];
    return Promise.resolve({
      reservedPort: false,
      send: (bytes) => {
        const text = new TextDecoder().decode(bytes);
        const token = /^X-aws-ec2-metadata-token: (.*)\r$/m.exec(text)?.[1];
        const line = [`${address}:${port}`, text.split(" ").slice(0, 2).join(" "), token ?? []].flat().join(" ");
        asked.push(line);
        const answer = answers[line] ?? "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
        chunks.push(...Array.from(new TextEncoder().encode(answer), (byte) => Uint8Array.of(byte)));
      },
      receive: () => Promise.resolve(chunks.shift()),
      close: () => {},
    });
  };
  const resolveName = (name: string): Promise<Resolved> => {
    asked.push(name);
    const address = names[name];
    return Promise.resolve(
      address === undefined
        ? { kind: "unresolved", cause: "unknown", reason: "name not known" }
        : { kind: "addresses", addresses: [address] },
    );
  };
  return { asked, network: { dial, resolveName } };
}

const id = "fs-0123abcd";
const regional = `${id}.efs.eu-west-1.amazonaws.com`;
const zonal = `eu-west-1b.${regional}`;
const signal = () => new AbortController().signal;

describe("the name of a file system", () => {
  test.each([
    ["eu-west-1", "amazonaws.com"],
    ["us-gov-west-1", "amazonaws.com"],
    ["cn-north-1", "amazonaws.com.cn"],
    ["us-iso-east-1", "c2s.ic.gov"],
    ["us-isob-east-1", "sc2s.sgov.gov"],
  ])("in %s ends with %s", (region, suffix) => {
    expect(nameOfId(id, { region, zone: undefined })).toBe(`${id}.efs.${region}.${suffix}`);
  });

  test.each([
    [["region=eu-west-1"], regional],
    [["az=eu-west-1b"], zonal],
    [["region=eu-west-1", "az=eu-west-1b"], zonal],
    [[], id],
  ])("with the options %j is %s", (options, host) => {
    expect(hostAsked(id, options)).toBe(host);
  });

  test("of another server is left as it is", () => {
    expect(hostAsked("nas", ["region=eu-west-1"])).toBe("nas");
  });
});

describe("an id without a region", () => {
  test.each(["AWS_REGION", "AWS_DEFAULT_REGION"])("is in the one that %s names, and nobody is asked", async (name) => {
    const { asked, network } = machine({}, { [regional]: "192.0.2.1" });
    const found = await withIds(handClock(), network, { [name]: "eu-west-1" }).resolveName(id, signal());
    expect(found).toEqual({ kind: "addresses", addresses: ["192.0.2.1"] });
    expect(asked).toEqual([regional]);
  });

  test("is in the instance's, by its zone's own name where that resolves", async () => {
    const { network } = machine(imds, { [zonal]: "192.0.2.2", [regional]: "192.0.2.1" });
    const found = await withIds(handClock(), network, {}).resolveName(id, signal());
    expect(found).toEqual({ kind: "addresses", addresses: ["192.0.2.2"] });
  });

  test("is in the instance's, by the region's name where the zone's does not resolve", async () => {
    const { network } = machine(imds, { [regional]: "192.0.2.1" });
    const found = await withIds(handClock(), network, {}).resolveName(id, signal());
    expect(found).toEqual({ kind: "addresses", addresses: ["192.0.2.1"] });
  });

  test("is in the region of the task that ECS runs", async () => {
    const arn = "arn:aws:ecs:eu-west-1:111122223333:task/default/x";
    const answers = {
      "169.254.170.2:80 GET /v4/x/task": `HTTP/1.1 200 OK\r\n\r\n${JSON.stringify({ TaskARN: arn })}`,
    };
    const { network } = machine(answers, { [regional]: "192.0.2.1" });
    const environment = { ECS_CONTAINER_METADATA_URI_V4: "http://169.254.170.2/v4/x" };
    const found = await withIds(handClock(), network, environment).resolveName(id, signal());
    expect(found).toEqual({ kind: "addresses", addresses: ["192.0.2.1"] });
  });

  test("is asked for three times, and then told to be in no known region", async () => {
    const { asked, network } = machine({}, {});
    const found = await withIds(handClock(), network, {}).resolveName(id, signal());
    expect(found).toMatchObject({
      kind: "unresolved",
      cause: "no-region",
      reason: expect.stringMatching(/status 401/) as string,
      hint: expect.stringMatching(/set AWS_REGION, or region=.*IMDSv2/) as string,
    });
    expect(asked).toHaveLength(3);
  });

  test.each(["AWS_REGION", "AWS_DEFAULT_REGION"])("is in none where %s names none", async (name) => {
    const { asked, network } = machine({}, {});
    const found = await withIds(handClock(), network, { [name]: "mars" }).resolveName(id, signal());
    expect(found).toMatchObject({ cause: "no-region", reason: expect.stringContaining(`${name}=mars`) as string });
    expect(asked).toEqual([]);
  });

  test("is told by its whole name where that does not resolve", async () => {
    const { network } = machine({}, {});
    const found = await withIds(handClock(), network, { AWS_REGION: "eu-west-1" }).resolveName(id, signal());
    expect(found).toMatchObject({ reason: `${regional}: name not known` });
  });

  test("is no matter of other names", async () => {
    const { asked, network } = machine({}, { nas: "192.0.2.9" });
    const found = await withIds(handClock(), network, {}).resolveName("nas", signal());
    expect(found).toEqual({ kind: "addresses", addresses: ["192.0.2.9"] });
    expect(asked).toEqual(["nas"]);
  });

  test("is told to be in no known region where an answer ends too early or is no JSON", async () => {
    const token = "169.254.169.254:80 PUT /latest/api/token";
    const page = "169.254.169.254:80 GET /latest/dynamic/instance-identity/document TOKEN";
    const short = machine({ ...imds, [token]: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nTOK" }, {});
    const wrong = machine({ ...imds, [page]: "HTTP/1.1 200 OK\r\n\r\n<html>" }, {});
    for (const { network } of [short, wrong]) {
      expect(await withIds(handClock(), network, {}).resolveName(id, signal())).toMatchObject({ kind: "unresolved" });
    }
  });
});
