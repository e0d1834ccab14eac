/** Checked arithmetic of solc 0.8 in BigInt: every operation throws the panic that the contract would revert with. */
import { Revert } from "./maker.js";

export { type Reverts, Revert, outcome } from "./maker.js";

export const OVERFLOW = "Panic(0x11) arithmetic over/underflow";
export const DIVISION_BY_ZERO = "Panic(0x12) division by zero";

/** A record of integers. */
export type Fields<Name extends string> = Readonly<Record<Name, bigint>>;

export function requires(condition: boolean, reason: string): void {
  if (!condition) throw new Revert(reason);
}

export const fitsUint = (z: bigint, bits: number) => z >= 0n && z < 2n ** BigInt(bits);
export const fitsInt = (z: bigint, bits: number) => z >= -(2n ** BigInt(bits - 1)) && z < 2n ** BigInt(bits - 1);

/** The result of an operation in a type of `bits`. */
export function uint(z: bigint, bits = 256): bigint {
  requires(fitsUint(z, bits), OVERFLOW);
  return z;
}
export function int(z: bigint, bits = 256): bigint {
  requires(fitsInt(z, bits), OVERFLOW);
  return z;
}

export const add = (...terms: readonly bigint[]) => terms.reduce((sum, x) => uint(sum + x));
export const sub = (x: bigint, y: bigint) => uint(x - y);
export const mul = (x: bigint, y: bigint) => uint(x * y);

/** Toward zero, as both of the EVM's divisions. */
export function div(x: bigint, y: bigint): bigint {
  requires(y !== 0n, DIVISION_BY_ZERO);
  return x / y;
}
