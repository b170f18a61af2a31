// Shares of EFS: a real server of version 4.1 under the names of EFS, and metadata by HTTP where Amazon has it.
import { afterEach, describe, expect, it } from "vitest";
import { logged, logLines } from "../support/box.ts";
import { kernelSuite } from "../support/kernel-suite.ts";

const { lab, box } = kernelSuite();

const id = "fs-0123abcd";
const nameIn = (region: string) => `${id}.efs.${region}.amazonaws.com`;

/** What answers at the address of the instance's metadata, by IMDSv2 alone. */
const metadata = (region: string) => `
daemon off; pid /run/imds.pid; error_log /dev/null; events {}
http { access_log off; server { listen 169.254.169.254:80;
  location = /latest/api/token { if ($request_method != PUT) { return 405; } return 200 secret; }
  location / { if ($http_x_aws_ec2_metadata_token != secret) { return 401; } return 404; }
  location = /latest/dynamic/instance-identity/document {
    if ($http_x_aws_ec2_metadata_token != secret) { return 401; }
    return 200 '{"region":"${region}","availabilityZone":"${region}a"}';
  }
} }`;

async function startMetadata(region: string): Promise<void> {
  await lab().sh(`cat >/lab/state/imds.conf <<'EOF'
${metadata(region)}
EOF
in_ c1 ip addr add 169.254.169.254/32 dev lo
in_ c1 sh -c 'nginx -c /lab/state/imds.conf >/dev/null 2>&1 &'
for i in $(seq 50); do in_ c1 curl -s -o /dev/null http://169.254.169.254/ && break; pause 0.1; done`);
}
afterEach(async () => {
  await lab().run("in_ c1 pkill nginx; in_ c1 ip addr del 169.254.169.254/32 dev lo");
});

const lineOf = (options = "") => ({
  NFS_MOUNTS: `${id}:/srv/exp ${box().mountPoint()}${options === "" ? "" : ` efs ${options}`}`,
});
const read = () => `cat ${box().mountPoint()}/hello; grep ' ${box().mountPoint()} ' /proc/self/mountinfo`;

describe("a file system of EFS", () => {
  it("is mounted by version 4.1 with what is recommended, in the region of the environment", async () => {
    await lab().sh(`name set ${nameIn("eu-west-1")} $SRV`);
    const { stdout, exitCode } = await box().run({ env: { ...lineOf(), AWS_REGION: "eu-west-1" }, command: read() });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^hello\n/);
    for (const option of ["vers=4.1", "noresvport", "timeo=600", "retrans=2", "hard"]) expect(stdout).toContain(option);
  });

  it("is found in the region that the instance's metadata tells", async () => {
    await startMetadata("us-east-2");
    await lab().sh(`name set ${nameIn("us-east-2")} $SRV`);
    const { stdout } = await box().run({ env: lineOf(), command: read() });
    expect(stdout).toMatch(/^hello\n/);
  });

  it("is found by its zone where the zone's own name resolves", async () => {
    await startMetadata("us-east-2");
    await lab().sh(`name set us-east-2a.${nameIn("us-east-2")} $SRV`);
    expect((await box().run({ env: lineOf(), command: read() })).stdout).toMatch(/^hello\n/);
  });

  it("is mounted from its mount target's address where no name resolves", async () => {
    const env = { ...lineOf("mounttargetip=10.77.0.1"), AWS_REGION: "eu-west-1" };
    const { stdout } = await box().run({ env, command: read() });
    expect(stdout).toMatch(/^hello\n/);
    expect(stdout).not.toContain("mounttargetip");
  });

  it("is waited for without metadata, and mounted when that comes", async () => {
    await lab().sh(`name set ${nameIn("us-east-2")} $SRV`);
    const job = box().start({ env: lineOf(), command: read() });
    const waiting = await logged(job, "waiting for the server");
    expect(waiting.reason).toMatch(/region/i);
    await startMetadata("us-east-2");
    const { exitCode, stdout } = await job.done;
    expect([exitCode, stdout.split("\n")[0]]).toEqual([0, "hello"]);
  });

  it("that needs Amazon's tunnel is refused before anything is asked", async () => {
    const { exitCode, stderr } = await box().run({ env: lineOf("tls") });
    expect(exitCode).toBe(78);
    expect(logLines(stderr).at(-1)?.reason).toMatch(/tls/);
  });
});
