/** Figures for people: exact decimals of integers, cut and never rounded, and integers of decimals. */

/** `1,234,567` */
export function grouped(digits: string): string {
  let text = "";
  for (let i = 0; i < digits.length; ++i) text += (i && (digits.length - i) % 3 === 0 ? "," : "") + digits[i];
  return text;
}
export const count = (value: number | bigint) => grouped(String(value));
export const positions = (value: number) => `${count(value)} ${value === 1 ? "position" : "positions"}`;

/** An integer of so many decimals, cut to some digits behind the point: `1,234.56`. */
export function units(value: bigint, decimals: number, digits: number): string {
  const text = (value < 0n ? -value : value).toString().padStart(decimals + 1, "0"), point = text.length - decimals;
  return (value < 0n ? "−" : "") + grouped(text.slice(0, point)) + (digits ? `.${text.slice(point).padEnd(digits, "0").slice(0, digits)}` : "");
}

/** The same with as many digits as a small number needs: a price of 0.000012 is no 0.00. One that is out of sight, or has more digits before the point than there is room for, has its power of ten: `1.234e-12`. */
export function decimal(value: bigint, decimals: number, room = 12): string {
  const digits = value.toString(), power = digits.length - 1 - decimals;
  if (value && (power < -7 || power >= room)) return `${digits[0]}.${digits.slice(1, 4).padEnd(3, "0")}e${power}`;
  return units(value, decimals, Math.min(decimals, power >= 3 || !value ? 2 : power >= 0 ? 4 : 3 - power));
}

/** Money: cents of dollars, of anything else what it needs. */
export const money = (value: bigint, decimals: number, unit: string) => `${unit === "$" ? units(value, decimals, 2) : decimal(value, decimals, Infinity)} ${unit}`;

const NAMES = ["", " K", " M", " B", " T"];
/** Three digits for axes and tiles: `1.23 M`. For what is no more than a picture. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "∞";
  if (Math.abs(value) >= 1e18) return value.toExponential(1).replace("e+", "e");
  const step = Math.abs(value) < 1000 ? 0 : Math.min(NAMES.length - 1, Math.floor(Math.log10(Math.abs(value)) / 3)), scaled = value / 1000 ** step;
  return `${Math.abs(scaled) >= 1000 ? grouped(String(Math.round(scaled))) : Number(scaled.toPrecision(3))}${NAMES[step]}`;
}

/** An integer as a double, of so many decimals. */
export const double = (value: bigint, decimals: number) => Number(value) / 10 ** decimals;

/** The integer that a decimal number means, exactly, with a power of ten or without; undefined where it is none, or has more decimals than there are. */
export function parse(text: string, decimals: number): bigint | undefined {
  const found = /^\s*(\d[\d,\s_]*|\d*)(?:\.(\d*))?(?:e([+-]?\d{1,3}))?\s*$/i.exec(text), whole = found?.[1]?.replace(/[,\s_]/g, "") ?? "", part = found?.[2] ?? "";
  if (!found || (!whole && !part) || whole.length + part.length > 100) return undefined;
  const digits = BigInt(whole + part), zeros = decimals - part.length + Number(found[3] ?? 0), unit = 10n ** BigInt(Math.abs(zeros));
  return zeros >= 0 ? digits * unit : digits % unit ? undefined : digits / unit;
}

/** A change in percent with its sign: `−3.2 %`. In tenths, cut. */
export function change(from: bigint, to: bigint): string {
  if (!from) return "–";
  const tenths = ((to - from) * 1000n) / from;
  return `${tenths > 0n ? `+${decimal(tenths, 1)}` : units(tenths, 1, 1)} %`;
}
