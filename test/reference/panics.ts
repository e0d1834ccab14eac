/** solc 0.8's checked arithmetic in BigInt, and its panics as the golden vectors of Morpho Blue and Liquity v2 call them. */
import { Revert } from "./maker.js";

const ARITHMETIC = "Panic(0x11) arithmetic over/underflow";
const DIVISION = "Panic(0x12) division by zero";

/** Where 0.8 finds that a result does not fit. */
function panics(fits: boolean, reason: string): void {
  if (!fits) throw new Revert(reason);
}

export function uint(z: bigint, bits = 256n): bigint {
  panics(z >= 0n && z < 2n ** bits, ARITHMETIC);
  return z;
}

export function int(z: bigint): bigint {
  panics(z >= -(2n ** 255n) && z < 2n ** 255n, ARITHMETIC);
  return z;
}

export const add = (...terms: readonly bigint[]) => terms.reduce((sum, x) => uint(sum + x));
export const sub = (x: bigint, y: bigint) => uint(x - y);
export const mul = (x: bigint, y: bigint) => uint(x * y);

export function div(x: bigint, y: bigint): bigint {
  panics(y !== 0n, DIVISION);
  return x / y;
}
