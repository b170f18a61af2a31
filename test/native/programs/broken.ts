// Throws as it is evaluated.
export const never = fail();

function fail(): never {
  throw new Error("broken as it is evaluated");
}
