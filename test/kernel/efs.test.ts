// Shares of EFS: a real server of version 4.1 under the names of EFS, and metadata by HTTP where Amazon has it.
import { afterEach, describe, expect, it } from "vitest";
import { logged, logLines, quote } from "../support/box.ts";
import { everyCombination } from "../support/every-combination.ts";
import { kernelSuite } from "../support/kernel-suite.ts";

const { lab, box } = kernelSuite();

const id = "fs-0123abcd";
const nameIn = (region: string) => `${id}.efs.${region}.amazonaws.com`;

/** What answers at the address of the instance's metadata, by IMDSv2 alone; and at that of ECS' agent for one task. */
const metadata = (region: string) => `
daemon off; pid /run/imds.pid; error_log /dev/null; events {}
http { access_log off; server { listen 169.254.169.254:80;
  location = /latest/api/token { if ($request_method != PUT) { return 405; } return 200 secret; }
  location / { if ($http_x_aws_ec2_metadata_token != secret) { return 401; } return 404; }
  location = /latest/dynamic/instance-identity/document {
    if ($http_x_aws_ec2_metadata_token != secret) { return 401; }
    return 200 '{"region":"${region}","availabilityZone":"${region}a"}';
  }
} server { listen 169.254.170.2:80;
  location = /v4/good/task { return 200 '{"TaskARN":"arn:aws:ecs:${region}:111122223333:task/c/1","AvailabilityZone":"${region}a"}'; }
  location = /v4/odd/task { return 200 '{"Cluster":"c"}'; }
  location / { return 500; }
} }`;
/** ECS' agent alone. */
const agent = metadata("us-east-2").replace("169.254.169.254:80", "169.254.170.2:81");

/** The addresses of metadata, on c1, without anybody who answers there. */
const addresses = "for a in 169.254.169.254 169.254.170.2; do in_ c1 ip addr add $a/32 dev lo; done";
/** Runs nginx there, by a configuration. */
const nginx = (configuration: string) => `cat >/lab/state/imds.conf <<'END'
${configuration}
END
${addresses}
in_ c1 sh -c 'nginx -c /lab/state/imds.conf >/dev/null 2>&1 &'
for i in $(seq 100); do in_ c1 curl -s -o /dev/null http://169.254.170.2/ && break; pause 0.1; done`;
/** Whoever asks the instance's metadata has this shell text run for the answer. */
const imds = (answer: string) => `${addresses}
in_ c1 busybox nc -ll -p 80 -e sh -c ${quote(answer)} </dev/null >/dev/null 2>&1 & disown; pause 0.3`;

async function startMetadata(region: string): Promise<void> {
  await lab().sh(nginx(metadata(region)));
}
afterEach(async () => {
  await lab().run(
    "in_ c1 pkill nginx; in_ c1 pkill -x nc; for a in 169.254.169.254 169.254.170.2; do in_ c1 ip addr del $a/32 dev lo; done",
  );
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

  it.runIf(everyCombination)("is found in the region of the task that ECS runs", async () => {
    await startMetadata("us-east-2");
    await lab().sh(`name set ${nameIn("us-east-2")} $SRV`);
    const env = { ...lineOf(), ECS_CONTAINER_METADATA_URI_V4: "http://169.254.170.2/v4/good" };
    expect((await box().run({ env, command: read() })).stdout).toMatch(/^hello\n/);
  });

  it("that needs Amazon's tunnel is refused before anything is asked", async () => {
    const { exitCode, stderr } = await box().run({ env: lineOf("tls") });
    expect(exitCode).toBe(78);
    expect(logLines(stderr).at(-1)?.reason).toMatch(/tls/);
  });
});

interface Fault {
  readonly fault: string;
  readonly make?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Of the share's line. */
  readonly options?: string;
  readonly source?: string;
  /** What an operator must read. */
  readonly says: readonly RegExp[];
  /** 1 unless given: it does not mount. */
  readonly exitCode?: number;
}

const inIreland = { AWS_REGION: "eu-west-1" };
const named = `name set ${nameIn("eu-west-1")} $SRV`;

const faults: readonly Fault[] = [
  // which region
  {
    fault: "no region, and no metadata",
    says: [/its region is not known/, /instance's metadata is not there/, /set AWS_REGION, or region=/],
  },
  {
    fault: "metadata that takes the question and does not answer, as beyond the hop limit",
    make: imds("sleep 100"),
    says: [/takes the connection and does not answer/, /hop limit to 2/, /region=/],
  },
  {
    fault: "metadata that is slow",
    make: imds(String.raw`sleep 3; printf 'HTTP/1.0 200 OK\r\n\r\nsecret'`),
    says: [/does not answer within 500 ms/, /set AWS_REGION/],
  },
  {
    fault: "metadata of version 1 alone",
    make: imds(String.raw`printf 'HTTP/1.0 405 Not Allowed\r\n\r\n'`),
    says: [/status 405/, /IMDSv2/],
  },
  {
    fault: "metadata that is turned off",
    make: imds(String.raw`printf 'HTTP/1.0 403 Forbidden\r\n\r\n'`),
    says: [/status 403/, /turn the instance's metadata on/],
  },
  {
    fault: "another service in the place of metadata",
    make: imds("printf 'SSH-2.0-none\\r\\n\\r\\n'"),
    says: [/instance's metadata does not speak HTTP/, /set AWS_REGION/],
  },
  {
    fault: "an agent of ECS that fails, and no instance's metadata",
    make: nginx(agent),
    env: { ECS_CONTAINER_METADATA_URI_V4: "http://169.254.170.2/v4/bad" },
    says: [/ECS_CONTAINER_METADATA_URI_V4\) answers with status 500/, /instance's metadata is not there/],
  },
  {
    fault: "a task of ECS without a region",
    make: nginx(agent),
    env: { ECS_CONTAINER_METADATA_URI_V4: "http://169.254.170.2/v4/odd" },
    says: [/task's metadata names no region/, /set AWS_REGION/],
  },
  {
    fault: "a region that is none",
    env: { AWS_REGION: "mars" },
    says: [/AWS_REGION=mars names none/, /region=/],
  },
  // the name
  {
    fault: "a name that this network does not know",
    make: "dns up",
    env: inIreland,
    says: [
      /fs-0123abcd\.efs\.eu-west-1\.amazonaws\.com/,
      /mount target in this VPC/,
      /enableDnsSupport/,
      /mounttargetip=/,
    ],
  },
  {
    fault: "a zone without a mount target",
    make: `dns up; dns set ${nameIn("eu-west-1")} $SRV`,
    options: "az=eu-west-1b",
    says: [/eu-west-1b\.fs-0123abcd\.efs/, /in the zone, with az=/],
  },
  {
    fault: "a name server that is silent",
    make: `dns up; dns set ${nameIn("eu-west-1")} $SRV; blackhole ns on`,
    env: inIreland,
    says: [/name server does not answer/, /resolv\.conf/, /mounttargetip=/],
  },
  // the mount target
  {
    fault: "a security group that lets nobody in",
    make: `${named}; blackhole srv on`,
    env: inIreland,
    says: [/no packet comes back from 10\.77\.0\.1/, /security group/],
  },
  {
    fault: "an address of a mount target where nothing listens",
    make: "srv_down",
    env: inIreland,
    options: "mounttargetip=10.77.0.1",
    says: [/nothing listens on port 2049 of 10\.77\.0\.1/, /describe-mount-targets/],
  },
  {
    fault: "a mount target that is not there",
    make: `name set ${nameIn("eu-west-1")} 10.77.0.99`,
    env: inIreland,
    says: [/no machine answers at 10\.77\.0\.99/, /describe-mount-targets/],
  },
  {
    fault: "a directory that is not there",
    make: `srv_up --v4; ${named}`,
    env: inIreland,
    source: `${id}:/srv/exp/none`,
    says: [/\/srv\/exp\/none/, /make the directory/],
  },
  {
    fault: "a policy that lets nobody in who comes without TLS",
    make: `srv_up --v4; ${named}; in_ srv chmod 700 /srv; in_ srv sh -c 'exportfs -ua; exportfs -o rw,root_squash,insecure,fsid=0 "*:/srv"; exportfs -f'`,
    env: inIreland,
    source: `${id}:/exp`,
    says: [/NFS4ERR_ACCESS/, /policy/],
  },
  // what Amazon's own helper alone can do, and what is written wrongly
  { fault: "a tunnel", options: "tls", says: [/tls needs the tunnel/, /amazon-efs-utils/], exitCode: 78 },
  { fault: "IAM", options: "iam", says: [/iam needs the tunnel/], exitCode: 78 },
  { fault: "an access point", options: "accesspoint=fsap-01", says: [/accesspoint needs the tunnel/], exitCode: 78 },
  { fault: "the id of an access point", source: "fsap-0123abcd", says: [/is an access point/], exitCode: 78 },
  { fault: "an id in capitals", source: "fs-0123ABCD", says: [/is no id of EFS.*small letters/], exitCode: 78 },
  { fault: "an id that is none", source: "fs-12xy", says: [/accepted as SOURCE.*fs-0123abcd/], exitCode: 78 },
];

describe.runIf(everyCombination)("doctor names", () => {
  it.each(faults)(
    "$fault",
    async ({ make = ":", env = {}, options = "", source = `${id}:/srv/exp`, says, exitCode = 1 }) => {
      await lab().sh(make);
      const line = `${source} /data${options === "" ? "" : ` efs ${options}`}`;
      const variables = Object.entries({ NFS_MOUNTS: line, ...env })
        .map(([name, value]) => `${name}=${quote(value)}`)
        .join(" ");
      const job = await lab().run(`${variables} container c1 --name box -- nfs-init doctor`);
      const said = exitCode === 78 ? job.stderr : (job.stdout.trim().split("\n").at(-1) ?? "");
      for (const phrase of says) expect(said, job.stdout + job.stderr).toMatch(phrase);
      expect(job.exitCode).toBe(exitCode);
    },
  );

  it("nothing where the mount target's address stands in for a name that is not known", async () => {
    const line = `${id}:/srv/exp /data efs mounttargetip=10.77.0.1`;
    const { stdout, exitCode } = await lab().run(
      `dns up; AWS_REGION=eu-west-1 NFS_MOUNTS=${quote(line)} container c1 --name box -- nfs-init doctor`,
    );
    expect(stdout).toMatch(/would mount: nothing was found/);
    expect(exitCode).toBe(0);
  });
});
