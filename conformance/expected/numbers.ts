/**
 * RFC 8785, appendix B: the bits of a double, and what is written of it. As published, with one correction of form: the
 * last three, which the appendix has to say that there is no text for, are among the refused texts.
 */
export const RFC_NUMBERS: readonly (readonly [bits: string, text: string])[] = [
  ["0000000000000000", "0"],
  ["8000000000000000", "0"],
  ["0000000000000001", "5e-324"],
  ["8000000000000001", "-5e-324"],
  ["7fefffffffffffff", "1.7976931348623157e+308"],
  ["ffefffffffffffff", "-1.7976931348623157e+308"],
  ["4340000000000000", "9007199254740992"],
  ["c340000000000000", "-9007199254740992"],
  ["4430000000000000", "295147905179352830000"],
  ["44b52d02c7e14af5", "9.999999999999997e+22"],
  ["44b52d02c7e14af6", "1e+23"],
  ["44b52d02c7e14af7", "1.0000000000000001e+23"],
  ["444b1ae4d6e2ef4e", "999999999999999700000"],
  ["444b1ae4d6e2ef4f", "999999999999999900000"],
  ["444b1ae4d6e2ef50", "1e+21"],
  ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
  ["3eb0c6f7a0b5ed8d", "0.000001"],
  ["41b3de4355555553", "333333333.3333332"],
  ["41b3de4355555554", "333333333.33333325"],
  ["41b3de4355555555", "333333333.3333333"],
  ["41b3de4355555556", "333333333.3333334"],
  ["41b3de4355555557", "333333333.33333343"],
  ["becbf647612f3696", "-0.0000033333333333333333"],
  ["43143ff3c1cb0959", "1424953923781206.2"],
];

/** Other spellings of a number, and the one that counts. A number is the double that is nearest to what is written. */
export const NUMBERS: readonly (readonly [json: string, canonical: string])[] = [
  ["-0", "0"],
  ["-0.0", "0"],
  ["0e5", "0"],
  ["1.0", "1"],
  ["1E0", "1"],
  ["100e-2", "1"],
  ["10e+1", "100"],
  ["-1.50", "-1.5"],
  ["0.1", "0.1"],
  ["0.1000000000000000055511151231257827", "0.1"],
  ["0.30000000000000004", "0.30000000000000004"],
  ["1e20", "100000000000000000000"],
  ["1e21", "1e+21"],
  ["100000000000000000000", "100000000000000000000"],
  ["1000000000000000000000", "1e+21"],
  ["123456789012345678901234567890", "1.2345678901234568e+29"],
  ["1e-6", "0.000001"],
  ["1e-7", "1e-7"],
  ["0.0000001", "1e-7"],
  ["1e-400", "0"],
  ["2.2250738585072014e-308", "2.2250738585072014e-308"],
  ["9007199254740991", "9007199254740991"],
  ["9007199254740993", "9007199254740992"],
  ["-9007199254740993", "-9007199254740992"],
  ["9223372036854775807", "9223372036854776000"],
  ["18446744073709551615", "18446744073709552000"],
];

/** All the digits of a double: by whole numbers, for what formats numbers is what the vectors are to test. */
export function exactDecimal(bits: string): string {
  const word = BigInt(`0x${bits}`);
  const sign = word >> 63n === 1n ? "-" : "";
  const exponent = Number((word >> 52n) & 0x7ffn);
  const fraction = word & 0xf_ffff_ffff_ffffn;
  const mantissa = exponent === 0 ? fraction : fraction | (1n << 52n);
  const power = Math.max(exponent, 1) - 1075;
  if (power >= 0) return `${sign}${mantissa << BigInt(power)}`;
  // A half has one digit behind the point, a quarter two: m × 2^-n is m × 5^n with n of them.
  const digits = String(mantissa * 5n ** BigInt(-power)).padStart(-power + 1, "0");
  const [whole, rest] = [digits.slice(0, power), digits.slice(power).replace(/0+$/, "")];
  return rest === "" ? `${sign}${whole}` : `${sign}${whole}.${rest}`;
}
