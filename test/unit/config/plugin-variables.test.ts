// What the driver of Docker volumes takes from the one that it replaces.
import { expect, test } from "vitest";
import { withNetshareVariables } from "../../../src/config/plugin-variables.ts";

test("docker-volume-netshare's version counts where there is none of ours", () => {
  expect(withNetshareVariables({ NETSHARE_NFS_VERSION: "3" })).toMatchObject({ NFS_VERSION: "3" });
  expect(withNetshareVariables({ NETSHARE_NFS_VERSION: "3", NFS_VERSION: "4.2" })).toMatchObject({
    NFS_VERSION: "4.2",
  });
  for (const environment of [{}, { NETSHARE_NFS_VERSION: "" }])
    expect(withNetshareVariables(environment)).toEqual(environment);
});
