/**
 * The first amount or time of a range of which a rule says yes, by the rule itself (rules/trial). Of the most that is taken the range is
 * walked from its upper end.
 *
 * Where the rule is monotone this is a bisection. Where it is not (both sides accrue, an average is cut, a power is rounded at every step)
 * a bound that is says of an interval that it holds nothing; what it leaves is halved, down to single points, which the rule judges. So
 * nothing is passed over, and only where roundings alone decide over more points than can be tried is there no answer.
 */
import { RESULTS, STAGE } from "./layout";
import { mayHold, tryAt } from "./rules";
import { FIRST, LAST, Question, Verdict, isMost } from "./rules/trial";
import { add, addSmall, compare, copy, sub } from "./wide/limbs";
import { halve } from "./wide/u256";

/** How a search ends. */
export namespace Answer { export const FOUND = 0, NONE = 1, REVERTS = 2, UNDECIDED = 3; }

/** Points and intervals that are looked at before the search gives up. */
const MOST: u32 = 5_000;

const LOW: usize = memory.data(32, 16), X: usize = memory.data(32, 16), Y: usize = memory.data(32, 16);
let downwards = false;

/** What stands at a place of the range, counted from the end where the search begins. */
function at(place: usize, to: usize): usize {
  if (downwards) sub(to, LAST, place, 4);
  else copy(to, place, 4);
  return to;
}

/** What is asked of the vault that the rule was given, to RESULTS. */
export function search(question: i32): i32 {
  downwards = isMost(question);
  let verdict = walk();
  if (verdict == Verdict.BEYOND) {
    if (question == Question.TIME) return Answer.REVERTS;
    const end = downwards ? FIRST : LAST; // nothing at all, or all there is
    verdict = tryAt(end);
    copy(RESULTS, end, 4);
  }
  return verdict == Verdict.YES ? Answer.FOUND : verdict < 0 ? Answer.UNDECIDED : Answer.NONE;
}

/** The first point that is more than NO, to RESULTS; its verdict, or −1 where it cannot be told. */
function walk(): i32 {
  let high = STAGE; // ends of intervals yet to be looked at, the next one last
  copy(LOW, FIRST, 4);
  copy(high, LAST, 4);
  if (compare(LOW, high, 4) > 0) return Verdict.NO;
  for (let looks: u32 = 0; looks < MOST; ++looks) {
    const verdict = tryAt(at(LOW, X));
    if (verdict != Verdict.NO) {
      copy(RESULTS, X, 4);
      return verdict;
    }
    while (compare(LOW, high, 4) < 0 && mayHold(at(LOW, X), at(high, Y))) {
      const middle = high + 32;
      sub(middle, high, LOW, 4);
      halve(middle);
      add(middle, middle, LOW, 4);
      high = middle;
      ++looks;
    }
    copy(LOW, high, 4);
    if (high == STAGE) return Verdict.NO;
    addSmall(LOW, 1, 4);
    high -= 32;
  }
  return -1;
}
