/** A JSON text, and its canonical form, written by hand. `String.raw`, where the text itself has escapes. */
export interface Text {
  readonly name: string;
  readonly json: string;
  readonly canonical: string;
}

/** RFC 8785, sections 3.2.2 to 3.2.4. */
const RFC: readonly Text[] = [
  {
    name: "RFC 8785, 3.2.2: literals, numbers and a string",
    json: String.raw`{
  "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
  "literals": [null, true, false]
}`,
    // Section 3.2.4 prints its bytes.
    canonical: Buffer.from(
      `7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a5b3333333333333333332e33333333333333
2c31652b33302c342e352c302e3030322c31652d32375d2c22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d`.replace(
        "\n",
        "",
      ),
      "hex",
    ).toString(),
  },
  {
    name: "RFC 8785, 3.2.3: keys are sorted by their UTF-16 code units",
    json: String.raw`{
  "\u20ac": "Euro Sign",
  "\r": "Carriage Return",
  "\ufb33": "Hebrew Letter Dalet With Dagesh",
  "1": "One",
  "\ud83d\ude00": "Emoji: Grinning Face",
  "\u0080": "Control",
  "\u00f6": "Latin Small Letter O With Diaeresis"
}`,
    canonical: `{"\\r":"Carriage Return","1":"One","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis","\u20ac":"Euro Sign","\u{1f600}":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}`,
  },
];

const KEYS: readonly Text[] = [
  {
    name: "keys are sorted at every depth",
    json: `{"b":{"z":1,"a":2},"a":[{"d":0,"c":0}]}`,
    canonical: `{"a":[{"c":0,"d":0}],"b":{"a":2,"z":1}}`,
  },
  { name: "elements keep their order", json: "[3, 1, 2]", canonical: "[3,1,2]" },
  {
    name: "keys that look like numbers are sorted as texts",
    json: `{"10":1,"9":2,"1":3,"-1":4}`,
    canonical: `{"-1":4,"1":3,"10":1,"9":2}`,
  },
  {
    name: "an upper-case key comes before a lower-case one, and a shorter one before what it begins",
    json: `{"a":1,"B":2,"aa":3,"A":4,"":5}`,
    canonical: `{"":5,"A":4,"B":2,"a":1,"aa":3}`,
  },
  {
    name: "a key beyond the basic plane comes before U+E000 and U+FFFF, which UTF-8 would have before it",
    json: `{"\uffff":1,"\ue000":2,"\u{10000}":3,"\u{10ffff}":4,"\ud7ff":5}`,
    canonical: `{"\ud7ff":5,"\u{10000}":3,"\u{10ffff}":4,"\ue000":2,"\uffff":1}`,
  },
  {
    name: "a key is sorted by what it says, and not by how it is escaped",
    json: String.raw`{"\u0062":1,"a":2,"\u0061b":3}`,
    canonical: `{"a":2,"ab":3,"b":1}`,
  },
  { name: "of two values of one key the last one counts", json: `{"a":1,"b":2,"a":3}`, canonical: `{"a":3,"b":2}` },
  {
    name: "of two objects of one key the last one counts whole",
    json: `{"a":{"x":1},"a":{"y":2}}`,
    canonical: `{"a":{"y":2}}`,
  },
  {
    name: "a key that escapes make the same is the same key",
    json: String.raw`{"a":1,"\u0061":2}`,
    canonical: `{"a":2}`,
  },
  {
    name: "keys that mean something to a language are keys",
    json: `{"toJSON":1,"constructor":2,"__proto__":{"x":3},"length":4}`,
    canonical: `{"__proto__":{"x":3},"constructor":2,"length":4,"toJSON":1}`,
  },
];

const STRINGS: readonly Text[] = [
  {
    name: "control characters are escaped, five of them in short",
    json: String.raw`"\u0000\u0001\u0007\u0008\u0009\u000A\u000b\u000C\u000D\u000e\u001B\u001f"`,
    canonical: String.raw`"\u0000\u0001\u0007\b\t\n\u000b\f\r\u000e\u001b\u001f"`,
  },
  {
    name: "quotes and backslashes are escaped, slashes are not",
    json: String.raw`"\"\\\/"`,
    canonical: String.raw`"\"\\/"`,
  },
  {
    name: "what HTML and JavaScript would have escaped is not",
    json: String.raw`"\u003c\u003e\u0026\u0027\u2028\u2029\u007f\u0080"`,
    canonical: `"<>&'\u2028\u2029\u007f\u0080"`,
  },
  {
    name: "a pair of surrogates is one character",
    json: String.raw`"\ud83d\ude00 \uD834\uDD1E"`,
    canonical: `"\u{1f600} \u{1d11e}"`,
  },
  {
    name: "text is not normalized",
    json: String.raw`["e\u0301","\u00e9","\u212b","\ufb01"]`,
    canonical: `["e\u0301","\u00e9","\u212b","\ufb01"]`,
  },
  {
    name: "U+FFFD, U+FFFF and a byte order mark inside are characters as others",
    json: String.raw`"\ufffd\uffff\ufeff"`,
    canonical: `"\ufffd\uffff\ufeff"`,
  },
  {
    name: "many scripts",
    json: `"\u65e5\u672c\u8a9e \u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u4f60\u597d \u0e44\u0e17\u0e22 \u{1f469}\u200d\u{1f680}"`,
    canonical: `"\u65e5\u672c\u8a9e \u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u4f60\u597d \u0e44\u0e17\u0e22 \u{1f469}\u200d\u{1f680}"`,
  },
];

const NESTING = 200;

const SHAPES: readonly Text[] = [
  { name: "null", json: "null", canonical: "null" },
  { name: "true", json: "true", canonical: "true" },
  { name: "false", json: " false ", canonical: "false" },
  { name: "an empty object", json: "{ }", canonical: "{}" },
  { name: "an empty array", json: "[\n]", canonical: "[]" },
  { name: "an empty string", json: `""`, canonical: `""` },
  {
    name: "empty structures in one another",
    json: `{"b":[{}, [ ], ""],"a":{"":{}}}`,
    canonical: `{"a":{"":{}},"b":[{},[],""]}`,
  },
  { name: "null is a value, and not an absent one", json: `{"b":null,"a":[null]}`, canonical: `{"a":[null],"b":null}` },
  { name: "space of the four kinds that JSON has", json: `\t{\r\n "a" :\t[ 1 ,\n2 ] }\r `, canonical: `{"a":[1,2]}` },
  {
    name: "a string is not the number that it spells",
    json: `["1", 1, "true", true, "null", null]`,
    canonical: `["1",1,"true",true,"null",null]`,
  },
  {
    name: `${NESTING} arrays in one another`,
    json: "[".repeat(NESTING) + "]".repeat(NESTING),
    canonical: "[".repeat(NESTING) + "]".repeat(NESTING),
  },
  {
    name: `${NESTING} objects in one another`,
    json: `${`{"b": 0, "a": `.repeat(NESTING)}1${"}".repeat(NESTING)}`,
    canonical: `${`{"a":`.repeat(NESTING)}1${`,"b":0}`.repeat(NESTING)}`,
  },
  {
    name: "an order, as one would claim it",
    json: `{"orderId": "ord_42", "amount": {"value": 1250.00, "currency": "EUR"}, "items": [{"sku": "tea", "count": 2}], "note": null}`,
    canonical: `{"amount":{"currency":"EUR","value":1250},"items":[{"count":2,"sku":"tea"}],"note":null,"orderId":"ord_42"}`,
  },
];

export const TEXTS: readonly Text[] = [...RFC, ...KEYS, ...STRINGS, ...SHAPES];

/** Texts that JSON.parse refuses, or whose values have no canonical JSON. */
export const REFUSED: readonly (readonly [name: string, json: string])[] = [
  ["a high surrogate alone", String.raw`"\ud800"`],
  ["a low surrogate alone", String.raw`"\udead"`],
  ["two surrogates the wrong way round", String.raw`"\ude00\ud83d"`],
  ["a high surrogate before a letter", String.raw`["\ud83dx"]`],
  ["a lone surrogate in a key", String.raw`{"a":{"\udc00":1}}`],
  ["a number beyond the largest double", "1e309"],
  ["the same below zero, deep inside", `{"a":[{"b":-1e400}]}`],
  ["NaN, which is not JSON", "NaN"],
  ["Infinity, which is not JSON", "[Infinity]"],
  ["nothing at all", ""],
  ["space only", " "],
  ["a text that ends too early", `{"a":`],
  ["two texts", "1 2"],
  ["a comma too many", "[1,]"],
  ["a key without quotes", "{a:1}"],
  ["single quotes", "'a'"],
  ["a leading zero", "01"],
  ["a plus", "+1"],
  ["a point without digits", "1."],
  ["a comment", "1 // one"],
  ["a control character in a string", '"\u0001"'],
  ["a tab in a string", '"\t"'],
  ["an escape that there is not", String.raw`"\x41"`],
  ["a byte order mark", "\ufeff1"],
  ["a kind of space that JSON does not have", "\u00a01"],
];

/** Bytes, and their SHA-256 as published (FIPS 180-4, examples) or computed. */
export const BYTES: readonly { readonly name: string; readonly bytes: Uint8Array; readonly published?: string }[] = [
  {
    name: "no bytes",
    bytes: Buffer.alloc(0),
    published: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  },
  {
    name: "abc",
    bytes: Buffer.from("abc"),
    published: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  },
  {
    name: "56 bytes",
    bytes: Buffer.from("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
    published: "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  },
  { name: "every byte", bytes: Uint8Array.from({ length: 256 }, (_, i) => i) },
  { name: "bytes that are no UTF-8", bytes: Uint8Array.of(0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80) },
  { name: "bytes that are JSON are bytes all the same", bytes: Buffer.from(`{"b":1, "a":2}`) },
];
