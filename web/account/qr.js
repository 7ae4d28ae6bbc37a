// QR codes as ISO/IEC 18004 has them: bytes, error correction level M, versions 1 to 20 (up to 666 bytes). Pure.

// By version, from 1: error correction codewords of each block, and how many blocks.
const CORRECTION = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];
const BYTE_MODE = 0b0100;
const PADS = [0xec, 0x11];
const MASKS = [
  (x, y) => (x + y) % 2,
  (x, y) => y % 2,
  (x) => x % 3,
  (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2,
  (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];
const FINDER_LIKE = ["10111010000", "00001011101"];

/** The dark and light modules of a code for `text`: rows of booleans, without the quiet zone. */
export function qr(text) {
  const bytes = [...new TextEncoder().encode(text)];
  const version = smallest(bytes.length);
  const drawing = new Drawing(version);
  drawing.write(interleaved(padded(bytes, version), version));
  return drawing.bestMasked();
}

function smallest(length) {
  for (let version = 1; version <= BLOCKS.length; version++) {
    if (4 + lengthBits(version) + 8 * length <= 8 * dataCodewords(version)) return version;
  }
  throw new RangeError("too long for a QR code");
}

const lengthBits = (version) => (version < 10 ? 8 : 16);
const dataCodewords = (version) => codewords(version) - CORRECTION[version - 1] * BLOCKS[version - 1];

// All modules but those of patterns, format and version; eight make a codeword.
function codewords(version) {
  let modules = (16 * version + 128) * version + 64;
  if (version > 1) {
    const along = Math.floor(version / 7) + 2;
    modules -= (25 * along - 10) * along - 55;
  }
  return Math.floor((version > 6 ? modules - 36 : modules) / 8);
}

function padded(bytes, version) {
  const bits = [];
  const put = (value, length) => {
    for (let bit = length - 1; bit >= 0; bit--) bits.push((value >> bit) & 1);
  };
  put(BYTE_MODE, 4);
  put(bytes.length, lengthBits(version));
  for (const byte of bytes) put(byte, 8);
  const room = dataCodewords(version) * 8;
  put(0, Math.min(4, room - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  for (let index = 0; bits.length < room; index++) put(PADS[index % 2], 8);
  const all = [];
  for (let at = 0; at < bits.length; at += 8) all.push(Number.parseInt(bits.slice(at, at + 8).join(""), 2));
  return all;
}

// Blocks of nearly equal length, each with its own correction, read across.
function interleaved(data, version) {
  const [count, size] = [BLOCKS[version - 1], CORRECTION[version - 1]];
  const short = Math.floor(data.length / count);
  const longer = data.length % count;
  const divisor = generator(size);
  const blocks = [];
  for (let index = 0, at = 0; index < count; index++) {
    const length = short + (index < count - longer ? 0 : 1);
    blocks.push(data.slice(at, at + length));
    at += length;
  }
  const corrections = blocks.map((block) => remainder(block, divisor));
  return [...across(blocks), ...across(corrections)];
}

function across(blocks) {
  const length = Math.max(...blocks.map((block) => block.length));
  const all = [];
  for (let at = 0; at < length; at++) for (const block of blocks) if (at < block.length) all.push(block[at]);
  return all;
}

// Reed–Solomon over GF(2^8) with the polynomial x^8 + x^4 + x^3 + x^2 + 1.

function times(a, b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    product ^= ((b >> bit) & 1) * a;
  }
  return product;
}

// The coefficients of (x - 1)(x - 2)(x - 4)…, without the leading 1.
function generator(degree) {
  const result = [...new Array(degree - 1).fill(0), 1];
  for (let index = 0, root = 1; index < degree; index++, root = times(root, 2)) {
    for (let at = 0; at < degree; at++) result[at] = times(result[at], root) ^ (result[at + 1] ?? 0);
  }
  return result;
}

function remainder(data, divisor) {
  const result = new Array(divisor.length).fill(0);
  for (const byte of data) {
    const factor = byte ^ result.shift();
    result.push(0);
    for (let at = 0; at < divisor.length; at++) result[at] ^= times(divisor[at], factor);
  }
  return result;
}

/** The square of modules, with the patterns that every code of its version has. */
class Drawing {
  #size;
  #dark; // rows of booleans
  #fixed; // where patterns, format and version are

  constructor(version) {
    this.#size = version * 4 + 17;
    this.#dark = square(this.#size);
    this.#fixed = square(this.#size);
    this.#timing();
    this.#alignments(version);
    for (const [x, y] of [
      [3, 3],
      [this.#size - 4, 3],
      [3, this.#size - 4],
    ])
      this.#finder(x, y);
    this.#format(0); // keeps its place
    this.#version(version);
  }

  /** Puts the codewords in: up and down in columns of two, from the right, around what is fixed. */
  write(codewords) {
    let at = 0;
    for (let right = this.#size - 1; right >= 1; right -= 2) {
      if (right === 6) right = 5;
      const up = ((right + 1) & 2) === 0;
      for (let step = 0; step < this.#size; step++) {
        const y = up ? this.#size - 1 - step : step;
        for (const x of [right, right - 1]) {
          if (this.#fixed[y][x]) continue;
          this.#dark[y][x] = ((codewords[at >> 3] >> (7 - (at & 7))) & 1) === 1;
          at++;
        }
      }
    }
  }

  /** The modules under the mask that disturbs readers least. */
  bestMasked() {
    let best = null;
    for (let mask = 0; mask < MASKS.length; mask++) {
      this.#toggle(mask);
      this.#format(mask);
      const [modules, penalty] = [this.#dark.map((row) => [...row]), penaltyOf(this.#dark)];
      if (!best || penalty < best.penalty) best = { modules, penalty };
      this.#toggle(mask); // back
    }
    return best.modules;
  }

  #set(x, y, dark) {
    this.#dark[y][x] = dark;
    this.#fixed[y][x] = true;
  }

  #timing() {
    for (let at = 0; at < this.#size; at++) {
      this.#set(6, at, at % 2 === 0);
      this.#set(at, 6, at % 2 === 0);
    }
  }

  #finder(cx, cy) {
    for (let dy = -4; dy <= 4; dy++) {
      for (let dx = -4; dx <= 4; dx++) {
        const [x, y, ring] = [cx + dx, cy + dy, Math.max(Math.abs(dx), Math.abs(dy))];
        if (x >= 0 && x < this.#size && y >= 0 && y < this.#size) this.#set(x, y, ring !== 2 && ring !== 4);
      }
    }
  }

  #alignments(version) {
    if (version === 1) return;
    const count = Math.floor(version / 7) + 2;
    const step = Math.ceil((version * 4 + 4) / (count * 2 - 2)) * 2;
    const places = [6];
    for (let index = count - 2; index >= 0; index--) places.push(this.#size - 7 - index * step);
    const [first, last] = [0, count - 1];
    places.forEach((x, i) =>
      places.forEach((y, j) => {
        const onFinder = (i === first && j === first) || (i === first && j === last) || (i === last && j === first);
        if (!onFinder) this.#alignment(x, y);
      }),
    );
  }

  #alignment(cx, cy) {
    for (let dy = -2; dy <= 2; dy++) {
      for (let dx = -2; dx <= 2; dx++) this.#set(cx + dx, cy + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
    }
  }

  // Level M is 00; twice, beside the finders.
  #format(mask) {
    const bits = ((mask << 10) | bch(mask, 10, 0x537)) ^ 0x5412;
    const bit = (at) => ((bits >> at) & 1) === 1;
    const end = this.#size - 1;
    for (let at = 0; at < 6; at++) this.#set(8, at, bit(at));
    this.#set(8, 7, bit(6));
    this.#set(8, 8, bit(7));
    this.#set(7, 8, bit(8));
    for (let at = 9; at < 15; at++) this.#set(14 - at, 8, bit(at));
    for (let at = 0; at < 8; at++) this.#set(end - at, 8, bit(at));
    for (let at = 8; at < 15; at++) this.#set(8, end - 14 + at, bit(at));
    this.#set(8, end - 7, true);
  }

  #version(version) {
    if (version < 7) return;
    const bits = (version << 12) | bch(version, 12, 0x1f25);
    for (let at = 0; at < 18; at++) {
      const [long, short] = [Math.floor(at / 3), this.#size - 11 + (at % 3)];
      this.#set(short, long, ((bits >> at) & 1) === 1);
      this.#set(long, short, ((bits >> at) & 1) === 1);
    }
  }

  #toggle(mask) {
    for (let y = 0; y < this.#size; y++) {
      for (let x = 0; x < this.#size; x++) {
        if (!this.#fixed[y][x] && MASKS[mask](x, y) === 0) this.#dark[y][x] = !this.#dark[y][x];
      }
    }
  }
}

function square(size) {
  return Array.from({ length: size }, () => new Array(size).fill(false));
}

function bch(value, length, polynomial) {
  let rest = value;
  for (let at = 0; at < length; at++) rest = (rest << 1) ^ ((rest >> (length - 1)) * polynomial);
  return rest;
}

function penaltyOf(rows) {
  const columns = rows.map((_, x) => rows.map((row) => row[x]));
  const lines = [...rows, ...columns].map((line) => line.map(Number).join(""));
  let penalty = 0;
  for (const line of lines) {
    for (const [run] of line.matchAll(/0{5,}|1{5,}/g)) penalty += run.length - 2;
    for (const pattern of FINDER_LIKE) {
      for (let at = line.indexOf(pattern); at >= 0; at = line.indexOf(pattern, at + 1)) penalty += 40;
    }
  }
  for (let y = 1; y < rows.length; y++) {
    for (let x = 1; x < rows.length; x++) {
      const same = rows[y][x] === rows[y][x - 1] && rows[y][x] === rows[y - 1][x] && rows[y][x] === rows[y - 1][x - 1];
      if (same) penalty += 3;
    }
  }
  const dark = rows.flat().filter(Boolean).length / rows.length ** 2;
  return penalty + 10 * Math.floor(Math.abs(dark * 100 - 50) / 5);
}
