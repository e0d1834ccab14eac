/** What a plan costs: the first hundred liquidations by what they bring, the room for auctions carried along, beside the same in BigInt. */
import { openBook } from "plimsoll";
import { maker } from "plimsoll/maker";
import { FIGURES, type Vault, draw, objectsOf } from "./maker.js";
import { ensure, faster, type Group, median, stage, US } from "./measure.js";

const WAD = 10n ** 18n, RAY = 10n ** 27n, RAD = 10n ** 45n, FIRST = 100;
/** An ilk with room for the first hundred auctions, hardly more. */
const DOG = { dust: 0n, chop: (113n * WAD) / 100n, hole: 700_000_000n * RAD, dirt: 0n, buf: RAY, tip: 100n * RAD, chip: WAD / 1000n }, SYSTEM = { par: RAY, Hole: 1_000_000_000n * RAD, Dirt: 0n };

interface Step { readonly row: number; readonly dart: bigint; readonly coin: bigint }

/** `Dog.bark` of a vault that is unsafe. */
function bark({ ink, art }: Vault, room: bigint) {
  const { rate } = FIGURES, most = (room * WAD) / rate / DOG.chop, dart = art < most ? art : most;
  const tab = (dart * rate * DOG.chop) / WAD;
  return (ink * dart) / (art || 1n) > 0n && tab > 0n ? { dart, tab, coin: DOG.tip + (tab * DOG.chip) / WAD } : undefined;
}

/** As a keeper would write it: what each unsafe vault brings alone, a sort, then one after the other. */
function planOf(vaults: readonly Vault[]): Step[] {
  const { spot, rate } = FIGURES, found: { readonly row: number; readonly coin: bigint }[] = [], steps: Step[] = [];
  let dirt = DOG.dirt;
  for (let row = 0; row < vaults.length; ++row) {
    const vault = vaults[row]!;
    if (vault.ink * spot >= vault.art * rate) continue;
    const barked = bark(vault, DOG.hole - dirt);
    if (barked) found.push({ row, coin: barked.coin });
  }
  found.sort((a, b) => (a.coin < b.coin ? 1 : a.coin > b.coin ? -1 : a.row - b.row));
  for (const { row } of found) {
    if (steps.length === FIRST || dirt >= DOG.hole) break;
    const barked = bark(vaults[row]!, DOG.hole - dirt);
    if (!barked) continue;
    dirt += barked.tab;
    steps.push({ row, dart: barked.dart, coin: barked.coin });
  }
  return steps;
}

function openPlan(vaults: number) {
  const book = openBook(maker), amounts = draw(vaults);
  book.setSystem(SYSTEM);
  const ids = book.load(book.addMarket({ ...FIGURES, ...DOG }), amounts), objects = objectsOf(amounts);
  const plan = book.plan({ limit: FIRST }), expected = planOf(objects);
  ensure(plan.length > 10 && plan.length === expected.length, "the plan and the loop differ in length");
  ensure(plan.every(({ id, profit, liquidation }, i) => id === ids[expected[i]!.row] && profit === expected[i]!.coin && liquidation.dart === expected[i]!.dart), "the plan and the loop disagree");
  return { book, objects };
}
type Planned = ReturnType<typeof openPlan>;

export const planGroup: Group = {
  stages: (vaults) => [
    stage({
      vaults, open: () => openPlan(vaults),
      figures: {
        plan: ["µs", ({ book }: Planned) => median(() => { book.plan({ limit: FIRST }); }) * US],
        "bigint.plan": ["µs", ({ objects }: Planned) => median(() => { planOf(objects); }) * US],
      },
    }),
  ],
  goals: [faster("bigint.plan", "plan", 5)],
};
