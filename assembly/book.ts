/**
 * What a book does, in terms of the store, the screen, the order and the rule of its family. Pages of rows, ids and
 * columns cross in the STAGE; figures in ARGS, one vault's answers in RESULTS.
 */
import { follow, onShelves } from "./cut";
import { ARGS, RESULTS, STAGE, STAGE_BYTES, SYSTEM } from "./layout";
import { candidates, makeRoom, offer, propose, push, reserveCandidates, rowAt, select, startSelection, threshold } from "./order/select";
import { removeAccount } from "./accounts";
import { sumAccounts } from "./levels/accounts";
import { Failure, lay } from "./levels/table";
import { sumVaults } from "./levels/vaults";
import * as rule from "./rules";
import { setView } from "./rules/assets";
import { setTerms } from "./rules/gain";
import * as positions from "./rules/position";
import * as shelf from "./rules/shelf";
import { beginTrial as beginAccount, status } from "./rules/account-trial";
import { Status } from "./rules/status";
import { FIRST, LAST, Question, TARGET, aim } from "./rules/trial";
import { list as listRows, mayBeNear, nearOf, preview as previewMarket, setFloored, wanted } from "./screen/pass";
import { Answer, search } from "./search";
import {
  BLOCK, CHUNKS, Fault, GROWTH, HEADER, INDEX, LINK_CHUNK, LINK_MAX, LINK_UNSAFE, LIVE, LOG, LOOSE, MARK, ROWS_LOG, UNSAFE_BITS, USED,
  addMarket as newMarket, chunkAt, chunksHeld, foundBlock, foundLog, foundMarket, foundPlace, groupOf, idAt, idOf, keysOf, lifeAt, linesOf, linkAt, lives, marketAt, marketsHeld, open as openRows, openStore, place,
  placed, reserve as reserveRows, rowIn, rowOf, shapeOf, seek, touch, userKeyAt, userKeyBytes, vacate, vaultAt, vaultsHeld,
} from "./store/chunks";
import { enter, find as findKey, leave, reserveKeys } from "./store/keys";
import { clear, compare, copy } from "./wide/limbs";

/** Rows of a page that carries vaults in, with keys of 32 bytes; half as many of one that describes hits. */
let page: u32 = 4096;
/** Markets of a page that changes many. */
// @ts-ignore: decorator
@inline const MARKET_PAGE: u32 = 1024;

/** Where things stand and how many go onto a page, in the order of bindings/abi.ts. */
export function layout(what: i32): u32 {
  switch (what) {
    case 0: return <u32>ARGS;
    case 1: return <u32>RESULTS;
    case 2: return <u32>STAGE;
    case 3: return <u32>idsIn();
    case 4: return page;
    case 5: return page >> 1;
    case 6: return <u32>(STAGE_BYTES >> 3);
  }
  return MARKET_PAGE;
}

let accrued: bool = false;
const TIME: usize = memory.data(32, 16);
// @ts-ignore: decorator
@inline function time(): usize { return accrued ? TIME : 0; }

/** Opens the book, once per instance: bytes of a user's key (0: none), its rule, and what the rule's revision does. */
export function open(keyBytes: u32, which: i32, choices: u32): bool {
  follow(which);
  setTerms();
  if (!onShelves()) while (page * (rule.stride() + 32) > <u32>STAGE_BYTES) page >>= 1;
  return openStore(keyBytes, rule.marketBytes()) && reserveCandidates(1 << ROWS_LOG) && (!onShelves() || shelf.openShelves(choices));
}

export function size(): u32 { return vaultsHeld(); }

// ---- Figures

/** Takes over the fields of `mask` from ARGS. */
function takeFigures(to: usize, mask: u32): void {
  for (; mask; mask &= mask - 1) memory.copy(to + (ctz(mask) << 5), ARGS + (ctz(mask) << 5), 32);
}

export function setSystem(mask: u32): void {
  takeFigures(SYSTEM, mask);
  if (onShelves() || (accrued && mask & rule.VIEW_FIELDS)) refreshAll();
}

/** Where the figures of a market stand; in a book of accounts, of an asset. */
function figuresAt(index: u32): usize { return onShelves() ? shelf.assetAt(index) : marketAt(index) + HEADER; }

function refresh(index: u32, mask: u32): void {
  if (onShelves()) { shelf.refreshAsset(index); return; }
  const market = marketAt(index);
  rule.derive(market, time(), mask);
  if (rule.renew(market)) rule.derive(market, time(), rule.ALL);
  touch(market);
}

function refreshAll(): void {
  if (onShelves()) { setView(time()); shelf.refreshAssets(); return; }
  for (let i: u32 = 0; i < marketsHeld(); ++i) refresh(i, rule.ALL);
}

/** A new market with the figures in ARGS; its number, or a fault. */
export function addMarket(mask: u32): i32 {
  const index = onShelves() ? shelf.addAsset() : newMarket(shapeOf(0, rule.stride()));
  if (index >= 0) {
    takeFigures(figuresAt(index), mask);
    refresh(index, rule.ALL);
  }
  return index;
}

export function setMarket(index: u32, mask: u32): void {
  takeFigures(figuresAt(index), mask);
  refresh(index, mask);
}

/** The same for many: their numbers (u32) in the stage, then a column (u128) of a page's length for each field of `mask`. */
export function setMarkets(count: u32, mask: u32): void {
  for (let i: u32 = 0; i < count; ++i) {
    const index = load<u32>(STAGE + (i << 2)), figures = figuresAt(index);
    let from = STAGE + (MARKET_PAGE << 2) + (i << 4);
    for (let left = mask; left; left &= left - 1, from += MARKET_PAGE << 4) {
      const to = figures + (ctz(left) << 5);
      v128.store(to, v128.load(from));
      v128.store(to, i64x2.splat(0), 16);
    }
    refresh(index, mask);
  }
}

/** A new batch of troves in a market, with the figures in ARGS; its number, from 1 on, or 0 where memory cannot grow. */
export function addBatch(market: u32, mask: u32): u32 {
  const number = positions.addBatch(market);
  if (number) setBatch(number, mask);
  return number;
}
export function setBatch(number: u32, mask: u32): void { refresh(positions.setBatch(number, mask), rule.ALL); }

/** The figures of the system, and of a market, to RESULTS. */
export function getSystem(): void { memory.copy(RESULTS, SYSTEM, 1024); }
export function getMarket(index: u32): void { memory.copy(RESULTS, figuresAt(index), 512); }

/** Changes to the view at the time in ARGS, or to the stored one. */
export function view(accrue: bool): void {
  if (!accrue && !accrued) return;
  if (accrue && accrued && compare(TIME, ARGS, 4) == 0) return;
  accrued = accrue;
  memory.copy(TIME, ARGS, 32);
  refreshAll();
}

/** Moves every market's rate and rho to the time in ARGS, as `drip` would; the first that reverts, or −1: then nothing moves. */
export function accrue(): i32 {
  const now = STAGE; // ARGS may be read by the rule
  memory.copy(now, ARGS, 32);
  if (onShelves()) {
    const failed = shelf.accrueAssets(now);
    refreshAll();
    return failed;
  }
  for (let i: u32 = 0; i < marketsHeld(); ++i) {
    memory.copy(SCENARIO, marketAt(i), rule.marketBytes());
    if (!rule.accrue(SCENARIO, now)) return i;
  }
  for (let i: u32 = 0; i < marketsHeld(); ++i) {
    rule.accrue(marketAt(i), now);
    refresh(i, rule.ALL);
  }
  return -1;
}

/** A market's record for a scenario, or for a trial. */
const SCENARIO: usize = memory.data(1024, 16);

// ---- Vaults

export function reserve(market: u32, count: u32): i32 {
  if (userKeyBytes() && !reserveKeys(count)) return Fault.MEMORY; // first: it takes what the rows are promised after it
  return reserveRows(marketAt(market), count);
}

/**
 * Takes in `count` vaults of a market from the stage, for which room was reserved: each column a page long, then the
 * users' keys; their ids take the place of the first column. On a key that its market has already: the number of rows
 * taken in before it, with all of the page undone, as −1 − number; else 0.
 */
export function load_(index: u32, count: u32): i32 {
  const market = marketAt(index), keyBytes = userKeyBytes(), stride = rule.stride(), userKeysIn = STAGE + stride * page;
  for (let done: u32 = 0; done < count;) {
    const taken = place(market, count - done);
    if (taken < 0) unreachable(); // reserve promised
    const row = <u32>taken, n = placed, at = row & 1023;
    const chunk = chunkAt(row >> ROWS_LOG), block = <usize>load<u32>(chunk, BLOCK), log = load<u32>(chunk, LOG);
    for (let offset: u32 = 0; offset < stride; offset += 16) {
      let from = STAGE + offset * page + (done << 4), to = vaultAt(block, log, at) + offset;
      for (const end = from + (n << 4); from < end; from += 16, to += stride) v128.store(to, v128.load(from));
    }
    rule.rekey(market, block, log, at, n);
    rule.note(market, chunk, at, n);
    if (keyBytes) {
      memory.copy(userKeyAt(row), userKeysIn + done * keyBytes, n * keyBytes);
      for (let i: u32 = 0; i < n; ++i) if (!enter(row + i)) {
        for (let j: u32 = 0; j < i; ++j) leave(row + j);
        for (let j: u32 = 0; j < n; ++j) vacate(row + j);
        for (let j: u32 = 0; j < done; ++j) removeRow(<u32>rowOf(load<f64>(STAGE + (j << 3))));
        return -1 - <i32>(done + i);
      }
    }
    const life = lives(block, log) + (at << 1);
    for (let i: u32 = 0; i < n; ++i) store<f64>(STAGE + (done + i << 3), idOf(row + i, load<u16>(life + (i << 1))));
    done += n;
  }
  return 0;
}

/** Writes the amounts of `mask` of a vault from row `from` of the stage; a fault for a stale id. */
export function update(id: f64, mask: u32, from: u32): i32 {
  const row = rowOf(id);
  if (row < 0) return Fault.STALE;
  const block = foundBlock, log = foundLog, at = foundPlace, vault = vaultAt(block, log, at);
  for (; mask; mask &= mask - 1) {
    const offset = <u32>ctz(mask) << 4;
    v128.store(vault + offset, v128.load(STAGE + offset * page + (from << 4)));
  }
  const chunk = chunkAt(<u32>row >> ROWS_LOG);
  rule.rekey(foundMarket, block, log, at, 1);
  rule.note(foundMarket, chunk, at, 1);
  openRows(foundMarket, chunk, at, 1);
  return 0;
}

export function remove(id: f64): i32 {
  const row = rowOf(id);
  if (row < 0) return Fault.STALE;
  removeRow(<u32>row);
  return 0;
}

function removeRow(row: u32): void {
  if (onShelves()) { removeAccount(row, true); return; }
  if (userKeyBytes()) leave(row);
  vacate(row);
}

/** Where bulk ids stand in the stage: behind the columns. */
// @ts-ignore: decorator
@inline function idsIn(): usize { return STAGE + rule.stride() * page; }

/** The first of `count` ids that is stale, or −1. With `mark`, an id that comes twice is stale the second time, until `unmark`. */
export function check(count: u32, mark: bool): i32 {
  for (let i: u32 = 0; i < count; ++i) {
    const row = rowOf(load<f64>(idsIn() + (i << 3)));
    if (row < 0) {
      if (mark) unmark(i);
      return i;
    }
    if (mark) store<u16>(lifeAt(<u32>row), load<u16>(lifeAt(<u32>row)) | MARK);
  }
  return -1;
}

/** Takes the marks off the first `count` ids, all of which were marked. */
export function unmark(count: u32): void {
  for (let i: u32 = 0; i < count; ++i) {
    const life = lifeAt(rowIn(load<f64>(idsIn() + (i << 3))));
    store<u16>(life, load<u16>(life) & ~MARK);
  }
}

/** Updates the vaults whose ids were checked. */
export function updateMany(count: u32, mask: u32): void {
  for (let i: u32 = 0; i < count; ++i) update(load<f64>(idsIn() + (i << 3)), mask, i);
}

/** Removes the vaults whose ids were checked and marked. */
export function removeMany(count: u32): void {
  for (let i: u32 = 0; i < count; ++i) removeRow(rowIn(load<f64>(idsIn() + (i << 3))));
}

/** Ids of the vaults with the key in ARGS, in any market, to the stage after skipping `skip`; their number. */
export function find(skip: u32): u32 {
  const count = findKey(ARGS, STAGE, skip, <u32>(STAGE_BYTES >> 3));
  for (let i = <i32>count - 1; i >= 0; --i) { // from the back: an id is twice as wide as a row
    const row = load<u32>(STAGE + (i << 2));
    store<f64>(STAGE + (i << 3), idAt(row));
  }
  return count;
}

/** The market of an id, or a fault. */
export function marketOf(id: f64): i32 {
  const row = rowOf(id);
  return row < 0 ? Fault.STALE : <i32>load<u32>(foundMarket, INDEX);
}

// ---- Scan

/**
 * Prepares a query of a market (or −1: of all): its debt floor is in ARGS[0], its distance in ARGS[1]. With `all`, the next scan
 * looks through every market, whether it changed or not, and of accounts all keys are made anew.
 */
export function prepare(floor: bool, near: bool, only: i32, all: bool): void {
  setFloored(floor);
  if (onShelves()) {
    if (all) shelf.sumAll();
    else shelf.settle();
  }
  if (!floor && !near && !all) return;
  for (let i: u32 = 0; i < marketsHeld(); ++i) {
    if (only >= 0 && i != <u32>only) continue;
    if (floor) rule.setFloor(marketAt(i), ARGS);
    if (near) rule.setWithin(marketAt(i), ARGS + 32);
    if (all) touch(marketAt(i));
  }
}

/** Lists rows found `plane`, or with `near` those within the query's distance too. */
export function list(plane: i32, only: i32, near: bool): bool {
  return listRows(plane, only, near);
}

/** Candidates of an order from ids in the stage; there must be room. */
export function candidateIds(count: u32): void {
  for (let i: u32 = 0; i < count; ++i) {
    const row = rowIn(load<f64>(STAGE + (i << 3)));
    seek(row);
    propose(foundMarket, foundBlock, foundLog, foundPlace, row);
  }
}

/**
 * The rows found unsafe (with `near`: or within the query's distance) as candidates of an order, of which the first `k` are
 * asked for. Where keys tell of the order, the k-th largest that chunks attain bounds what can be among them, and chunks below it
 * are passed over. False where memory cannot grow. Needs up-to-date statuses.
 */
export function gather(order: i32, k: u32, only: i32, near: bool, floor: bool): bool {
  let least = -Infinity;
  if (rule.keysTell(order) && !floor && k < chunksHeld()) { // with a debt floor the largest key may belong to a row that does not count
    if (!startSelection(rule.Order.NONE, chunksHeld())) return false;
    for (let m: u32 = 0; m < marketsHeld(); ++m) {
      if (only >= 0 && m != <u32>only) continue;
      const market = marketAt(m), factor = rule.weightOf(order, market);
      for (let i: u32 = 0, n = load<u32>(market, CHUNKS); i < n; ++i) {
        const link = linkAt(market, i), top = <f64>load<f32>(link, LINK_MAX);
        if (top > 0 && top < Infinity) push(top * factor, rule.CLOSE, load<u32>(link, LINK_CHUNK) << ROWS_LOG); // of a loose row it is +∞
      }
    }
    if (k && candidates() > k) least = rule.surest(order, marketAt(max(only, 0)), threshold(k) * (1 - rule.GAP));
  }
  startSelection(order, 0);
  for (let m: u32 = 0; m < marketsHeld(); ++m) {
    if (only >= 0 && m != <u32>only) continue;
    const market = marketAt(m), factor = rule.weightOf(order, market) * load<f32>(market, GROWTH);
    for (let i: u32 = 0, n = load<u32>(market, CHUNKS); i < n; ++i) {
      const link = linkAt(market, i), close = near && mayBeNear(market, i);
      if (!close && (!load<u16>(link, LINK_UNSAFE) || <f64>load<f32>(link, LINK_MAX) * factor < least)) continue;
      if (!gatherChunk(k, market, load<u32>(link, LINK_CHUNK), factor, least, close)) return false;
    }
  }
  return true;
}

/** Places of a chunk's candidates, and what was read of their amounts. */
const PLACES: usize = memory.data(2048, 16), AHEAD: usize = memory.data(8, 16);

function gatherChunk(k: u32, market: usize, number: u32, factor: f64, least: f64, near: bool): bool {
  const chunk = chunkAt(number), block = <usize>load<u32>(chunk, BLOCK), log = load<u32>(chunk, LOG), used = load<u32>(chunk, USED), keys = keysOf(block, log);
  rule.freshen(market, chunk); // keys may have been made anew for all shelves in the middle of a scan
  if (!makeRoom(used, k)) return false;
  let end = PLACES, ahead: u64 = 0;
  for (let place: u32 = 0; place < used; place += 64) {
    let mask = load<u64>(groupOf(block, place), UNSAFE_BITS);
    if (near) mask |= nearOf(market, block, log, place);
    const pruned = least > -Infinity && load<f32>(groupOf(block, place), LOOSE) < 0;
    for (mask = wanted(mask, market, block, log, place); mask; mask &= mask - 1) {
      const at = place + <u32>ctz(mask);
      if (pruned && <f64>load<f32>(keys + (at << 2)) * factor < least) continue;
      ahead ^= rule.readAhead(block, log, at); // few rows lie far apart: all are asked for before the first is looked at
      store<u16>(end, <u16>at);
      end += 2;
    }
  }
  store<u64>(AHEAD, ahead);
  for (let at = PLACES; at < end; at += 2) {
    const place = <u32>load<u16>(at);
    offer(market, block, log, place, number << ROWS_LOG | place, k);
  }
  return true;
}

/** Sorts the first `k` candidates; how many there are of them. */
export function rank(k: u32): u32 {
  select(k);
  return min(k, candidates());
}

/** The ids of the candidates from position `from`, to the stage; their number. */
export function ranked(from: u32, count: u32): void {
  for (let i: u32 = 0; i < count; ++i) {
    const row = rowAt(from + i);
    store<f64>(STAGE + (i << 3), idAt(row));
  }
}

/** Scenario `index` market with the figures of `mask` in ARGS; what would flip, paged like a scan. `rewind` first. */
export function scenario(index: u32, mask: u32): void {
  if (onShelves()) { shelf.changeInScenario(index, mask); return; }
  memory.copy(SCENARIO, marketAt(index), rule.marketBytes());
  takeFigures(SCENARIO + HEADER, mask);
  rule.derive(SCENARIO, time(), rule.ALL);
}
/** What would flip in the market; in a book of accounts, on the shelf: false where a stream is full. */
export function preview(index: u32): bool {
  if (onShelves()) shelf.inScenario(SCENARIO, marketAt(index));
  return previewMarket(marketAt(index), SCENARIO);
}
export function startScenario(): u32 {
  if (onShelves()) shelf.startScenario();
  return marketsHeld();
}

/**
 * Liquidation levels of a market: `count` prices from ARGS[1] to ARGS[2], as stored or at the time in ARGS[0]. Where the table stands
 * (levels/table), or a Failure. What scans found stays.
 */
export function levels(index: u32, count: u32, accrue: bool): usize {
  const table = lay(ARGS + 32, ARGS + 64, count);
  if (!table) return Failure.MEMORY;
  view(accrue);
  const failure = onShelves() ? sumAccounts(index) : sumVaults(marketAt(index), time());
  return failure ? <usize>failure : table;
}

// ---- Figures of vaults

/**
 * Describes the vaults of `count` ids at the stage's beginning: behind them, each a page of hits long, the market (u32),
 * the rule's columns (of accounts the collateral's value), health and debt (u128), then the user's keys.
 */
export function describe(count: u32): void {
  const rows = page >> 1, keyBytes = userKeyBytes(), shelves = onShelves();
  const marketsOut = STAGE + (rows << 3), columns = marketsOut + (rows << 2);
  const stride: u32 = shelves ? 16 : rule.stride(), healthOut = columns + rows * stride, debtOut = healthOut + (rows << 4), keysOut = debtOut + (rows << 4);
  for (let i: u32 = 0, to: usize = 0; i < count; ++i, to += 16) {
    const row = rowIn(load<f64>(STAGE + (i << 3)));
    seek(row);
    const market = foundMarket;
    if (shelves) {
      const reverts = shelf.evaluateRow(market, foundBlock, foundLog, foundPlace);
      store<u32>(marketsOut + (i << 2), 0);
      putFigure(columns + to, shelf.Figure.VALUE, reverts);
      putFigure(healthOut + to, shelf.Figure.HEALTH, reverts);
      putFigure(debtOut + to, shelf.Figure.DEBT, reverts);
    } else {
      const vault = vaultAt(foundBlock, foundLog, foundPlace);
      store<u32>(marketsOut + (i << 2), load<u32>(market, INDEX));
      for (let offset: u32 = 0; offset < stride; offset += 16) v128.store(columns + rows * offset + to, v128.load(vault + offset));
      rule.startFigures(market);
      rule.look(market, vault);
      rule.figure(rule.Figure.HEALTH, market, vault);
      put(healthOut + to, rule.figureLo, rule.figureHi);
      rule.figure(rule.Figure.DEBT, market, vault);
      put(debtOut + to, rule.figureLo, rule.figureHi);
    }
    if (keyBytes) memory.copy(keysOut + i * keyBytes, userKeyAt(row), keyBytes);
  }
}

function put(to: usize, lo: u64, hi: u64): void { store<u64>(to, lo); store<u64>(to, hi, 8); }
function putFigure(to: usize, which: i32, reverts: bool): void {
  shelf.figureOf(which, reverts);
  put(to, shelf.figureLo, shelf.figureHi);
}

/** Everything about one vault, as stored or at the time in ARGS, to RESULTS; a fault for a stale id. The book's view stays. */
export function inspect(id: f64, accrue: bool): i32 {
  const row = rowOf(id);
  if (row < 0) return Fault.STALE;
  const index = load<u32>(foundMarket, INDEX);
  memory.copy(SCENARIO, foundMarket, rule.marketBytes());
  rule.derive(SCENARIO, accrue ? ARGS : 0, rule.ALL);
  rule.inspect(SCENARIO, foundBlock, foundLog, foundPlace);
  if (userKeyBytes()) memory.copy(STAGE, userKeyAt(<u32>row), userKeyBytes());
  return <i32>index;
}

/**
 * What-if of one vault (rules/trial): of an asset, if it is an account, as stored or at the time in ARGS; ARGS[1] has what is to be reached,
 * or the last time to look at. How the search ends, its amount or time in RESULTS; or a fault.
 */
export function whatIf(id: f64, question: i32, asset: u32, accrue: bool, ratio: bool): i32 {
  const row = rowOf(id);
  if (row < 0) return Fault.STALE;
  const isTime = question == Question.TIME;
  copy(isTime ? LAST : TARGET, ARGS + 32, 4);
  clear(FIRST, 4);
  if (isTime && accrue) copy(FIRST, ARGS, 4);
  aim(ratio);
  let reverts = false, answer: i32 = Answer.NONE;
  if (onShelves()) {
    if (!isTime) view(accrue);
    reverts = !beginAccount(question, shelf.assetSet(), vaultAt(foundBlock, foundLog, foundPlace), linesOf(foundLog), asset, !accrue);
    if (!reverts) answer = search(question);
    if (isTime) setView(time());
    else reverts = reverts || status == Status.REVERTS;
  } else {
    memory.copy(SCENARIO, foundMarket, rule.marketBytes());
    rule.derive(SCENARIO, accrue && !isTime ? ARGS : 0, rule.ALL);
    reverts = rule.broken(SCENARIO);
    rule.beginTrial(question, SCENARIO, vaultAt(foundBlock, foundLog, foundPlace), !accrue);
    if (!reverts) answer = search(question);
    if (!isTime) reverts = rule.judge(SCENARIO, foundBlock, foundLog, foundPlace) == Status.REVERTS;
  }
  return answer == Answer.NONE && reverts ? Answer.REVERTS : answer;
}

/** What a column holds: from AMOUNTS on, the amounts of vaults in the order of the rule. */
namespace Column { export const IDS = 0, RATIOS = 1, RATIOS_F64 = 2, DEBTS = 3, MARKETS = 4, KEYS = 5, AMOUNTS = 6; }
/** Bytes of a row. */
function bytesOf(kind: i32): u32 {
  if (kind == Column.KEYS) return userKeyBytes();
  if (kind == Column.MARKETS) return 4;
  return kind == Column.IDS || kind == Column.RATIOS_F64 ? 8 : 16;
}

let columnMarket: u32 = 0, columnOrdinal: u32 = 0;

/**
 * The next rows of a column over all vaults, market by market in the order of their places, to the stage; their number, 0 at the
 * end. `done` rows came before. Where the accrual of a market with vaults reverts in this view, the first call answers −1 − market.
 */
export function column(kind: i32, done: u32): i32 {
  if (!done) {
    if (onShelves()) shelf.settle();
    const valued = kind > Column.IDS && kind < Column.MARKETS;
    if (valued && onShelves() && shelf.brokenAsset() >= 0) return -1 - shelf.brokenAsset();
    if (valued && !onShelves()) for (let i: u32 = 0; i < marketsHeld(); ++i) if (rule.broken(marketAt(i)) && load<u32>(marketAt(i), LIVE)) return -1 - i;
    columnMarket = 0; columnOrdinal = 0;
  }
  const bytes = bytesOf(kind), end = STAGE + STAGE_BYTES, shelves = onShelves(), stride: u32 = shelves ? 0 : rule.stride();
  let to = STAGE;
  for (; columnMarket < marketsHeld(); ++columnMarket, columnOrdinal = 0) {
    const market = marketAt(columnMarket), chunks = load<u32>(market, CHUNKS);
    if (!shelves) rule.startFigures(market);
    for (; columnOrdinal < chunks; ++columnOrdinal) {
      if (to + (bytes << ROWS_LOG) > end) return rowsTo(to, bytes);
      const number = load<u32>(linkAt(market, columnOrdinal), LINK_CHUNK), chunk = chunkAt(number), used = load<u32>(chunk, USED);
      const block = <usize>load<u32>(chunk, BLOCK), log = load<u32>(chunk, LOG), life = lives(block, log);
      let vault = vaultAt(block, log, 0);
      for (let i: u32 = 0; i < used; ++i, vault += stride) {
        const l = load<u16>(life + (i << 1));
        if (!(l & 1)) continue;
        if (kind == Column.KEYS) memory.copy(to, userKeyAt(number << ROWS_LOG | i), bytes);
        else if (shelves) accountFigure(to, kind, market, block, log, i, number);
        else if (kind == Column.IDS) store<f64>(to, idOf(number << ROWS_LOG | i, l));
        else if (kind == Column.MARKETS) store<u32>(to, columnMarket);
        else if (kind >= Column.AMOUNTS) v128.store(to, v128.load(vault + (kind - Column.AMOUNTS << 4)));
        else {
          rule.look(market, vault);
          if (kind == Column.RATIOS_F64) store<f64>(to, rule.ratioAsNumber(vault));
          else {
            rule.figure(kind == Column.DEBTS ? rule.Figure.DEBT : rule.Figure.RATIO, market, vault);
            put(to, rule.figureLo, rule.figureHi);
          }
        }
        to += bytes;
      }
    }
  }
  return rowsTo(to, bytes);
}

function accountFigure(to: usize, kind: i32, market: usize, block: usize, shape: u32, place: u32, number: u32): void {
  if (kind == Column.IDS) { store<f64>(to, idAt(number << ROWS_LOG | place)); return; }
  const reverts = shelf.evaluateRow(market, block, shape, place);
  if (kind == Column.RATIOS_F64) store<f64>(to, shelf.ratioAsNumber(reverts));
  else putFigure(to, kind == Column.DEBTS ? shelf.Figure.DEBT : shelf.Figure.RATIO, reverts);
}

function rowsTo(end: usize, bytes: u32): u32 { return <u32>(end - STAGE) / bytes; }

/** Where the keys of a chunk stand, for the benchmark that reads them as fast as memory allows; 0 behind the last. */
export function keysAt(number: u32): usize {
  const chunk = chunkAt(number);
  return number < chunksHeld() ? keysOf(load<u32>(chunk, BLOCK), load<u32>(chunk, LOG)) : 0;
}
