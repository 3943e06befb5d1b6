"""Whole prompts, to be read: would you go on from that?"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from codegen_lsp.context import gather
from codegen_lsp.history import Said
from codegen_lsp.prompt import Rendered, render
from codegen_lsp.surroundings import Surroundings
from codegen_lsp.talk import Talk
from tests.fake_engine import FakeEngine
from tests.marked import at_cursor
from tests.spoken import turns_in


class Case(NamedTuple):
    """A text with its cursor, other files by path, a budget in characters, and the prompt."""

    language: str
    path: str
    marked: str
    others: dict[str, str]
    budget: int
    prompt: str


PYTHON = Case(
    "python",
    "shop/order.py",
    '''\
"""Orders, and how they are paid."""

from __future__ import annotations

from dataclasses import dataclass

from shop.cart import Cart
from shop.money import Money, rounded

LIMIT = 500


def is_allowed(total: Money) -> bool:
    """Or somebody looks at it first."""
    return total.amount <= LIMIT


@dataclass
class Order:
    """What somebody has bought."""

    cart: Cart
    is_paid: bool = False

    def lines(self) -> list[str]:
        return [f"{count} x {item}" for item, count in self.cart.items.items()]

    def subtotal(self) -> Money:
        total = Money(0)
        for item, count in self.cart.items.items():
            total += item.price * count
        return rounded(total)

    def taxes(self) -> Money:
        rates = {item.rate for item in self.cart.items}
        return rounded(sum(self.subtotal() * rate for rate in rates))

    def pay(self) -> None:
        """Take the money, if nobody has to look at it first."""
        total = self.cart.total()
        if is_allowed(<CURSOR>):
''',
    {
        "shop/cart.py": '''\
from shop.money import Money


class Cart:
    """What somebody is about to buy."""

    def __init__(self) -> None:
        self.items: dict[Item, int] = {}

    def add(self, item: Item, count: int = 1) -> None:
        self.items[item] = self.items.get(item, 0) + count

    def total(self) -> Money:
        return sum(item.price * count for item, count in self.items.items())
''',
        "shop/log.py": "def total(cart):\n    print(cart)\n",
    },
    1400,
    '''\
# Path: shop/cart.py
# class Cart:
#     """What somebody is about to buy."""
#     def __init__(self) -> None:
#     def add(self, item: Item, count: int = 1) -> None:
#     def total(self) -> Money:

from shop.cart import Cart
from shop.money import Money, rounded

@dataclass
class Order:
    """What somebody has bought."""

    def subtotal(self) -> Money:
        total = Money(0)
        for item, count in self.cart.items.items():
            total += item.price * count
        return rounded(total)

    def taxes(self) -> Money:
        rates = {item.rate for item in self.cart.items}
        return rounded(sum(self.subtotal() * rate for rate in rates))

    def pay(self) -> None:
        """Take the money, if nobody has to look at it first."""
        total = self.cart.total()
        if is_allowed(''',
)

JAVA = Case(
    "java",
    "src/main/java/bank/Account.java",
    """\
package bank;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** An account and what has happened to it. */
public class Account {
    private final List<Entry> entries = new ArrayList<>();
    private final String owner;

    public Account(String owner) {
        this.owner = owner;
    }

    public long balance() {
        long sum = 0;
        for (Entry entry : entries) {
            sum += entry.amount();
        }
        return sum;
    }

    public void deposit(long amount) {
        if (amount <= 0) {
            throw new IllegalArgumentException("not positive: " + amount);
        }
        entries.add(new Entry(Instant.now(), amount));
    }

    public boolean withdraw(long amount) {
        if (balance() < amount) {
            return false;
        }
        entries.add(new Entry(<CURSOR>
        return true;
    }
}
""",
    {
        "src/main/java/bank/Entry.java": """\
package bank;

import java.time.Instant;

public class Entry {
    private final Instant at;
    private final long amount;

    public Entry(Instant at, long amount) {
        this.at = at;
        this.amount = amount;
    }

    public long amount() {
        return amount;
    }
}
""",
    },
    1400,
    """\
// Path: src/main/java/bank/Entry.java
// package bank;
//
// import java.time.Instant;
//
// public class Entry {
//     private final Instant at;
//     private final long amount;
//
//     public Entry(Instant at, long amount) {
//         this.at = at;
//         this.amount = amount;
//     }
//
//     public long amount() {
//         return amount;
//     }
// }

package bank;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** An account and what has happened to it. */
public class Account {
    private final List<Entry> entries = new ArrayList<>();
    private final String owner;

    public Account(String owner) {
        this.owner = owner;
    }

    public long balance() {
        long sum = 0;
        for (Entry entry : entries) {
            sum += entry.amount();
        }
        return sum;
    }

    public void deposit(long amount) {
        if (amount <= 0) {
            throw new IllegalArgumentException("not positive: " + amount);
        }
        entries.add(new Entry(Instant.now(), amount));
    }

    public boolean withdraw(long amount) {
        if (balance() < amount) {
            return false;
        }
        entries.add(new Entry(""",
)

GO = Case(
    "go",
    "queue/worker.go",
    """\
package queue

import (
\t"context"
\t"fmt"
\t"time"
)

// Worker takes jobs from a queue, one at a time.
type Worker struct {
\tqueue   *Queue
\ttimeout time.Duration
\tdone    int
}

func NewWorker(queue *Queue) *Worker {
\treturn &Worker{queue: queue, timeout: time.Second}
}

// report says what has become of a job.
func (w *Worker) report(job Job, err error) {
\tif err != nil {
\t\tfmt.Println("failed:", job.Name, err)
\t\treturn
\t}
\tw.done++
}

func (w *Worker) Done() int {
\treturn w.done
}

// Run works until the context ends.
func (w *Worker) Run(ctx context.Context) error {
\tfor {
\t\tjob, err := w.queue.Next(ctx)
\t\tif err != nil {
\t\t\treturn err
\t\t}
\t\tw.report(<CURSOR>
\t}
}
""",
    {
        "queue/queue.go": """\
package queue

import "context"

type Job struct {
\tName string
\tWork func(context.Context) error
}

type Queue struct {
\tjobs chan Job
}

func (q *Queue) Next(ctx context.Context) (Job, error) {
\tselect {
\tcase job := <-q.jobs:
\t\treturn job, nil
\tcase <-ctx.Done():
\t\treturn Job{}, ctx.Err()
\t}
}
""",
    },
    900,
    """\
// Path: queue/queue.go
// func (q *Queue) Next(ctx context.Context) (Job, error)

import (
\t"context"
\t"fmt"
\t"time"
)

// report says what has become of a job.
func (w *Worker) report(job Job, err error) {
\tif err != nil {
\t\tfmt.Println("failed:", job.Name, err)
\t\treturn
\t}
\tw.done++
}

func (w *Worker) Done() int {
\treturn w.done
}

// Run works until the context ends.
func (w *Worker) Run(ctx context.Context) error {
\tfor {
\t\tjob, err := w.queue.Next(ctx)
\t\tif err != nil {
\t\t\treturn err
\t\t}
\t\tw.report(""",
)

TYPESCRIPT = Case(
    "typescript",
    "src/session.ts",
    """\
import { Store } from './store';
import type { User } from './user';

const LIFETIME = 30 * 60 * 1000;

/** Who is logged in. */
export class Session {
  private readonly store: Store<User>;
  private lastSeen = Date.now();

  constructor(store: Store<User>) {
    this.store = store;
  }

  get isExpired(): boolean {
    return Date.now() - this.lastSeen > LIFETIME;
  }

  touch(): void {
    this.lastSeen = Date.now();
  }

  async user(id: string): Promise<User | undefined> {
    if (this.isExpired) {
      return undefined;
    }
    this.touch();
    return this.store.get(<CURSOR>
  }
}
""",
    {
        "src/store.ts": """\
export class Store<T> {
  private readonly values = new Map<string, T>();

  async get(key: string): Promise<T | undefined> {
    return this.values.get(key);
  }

  async set(key: string, value: T): Promise<void> {
    this.values.set(key, value);
  }
}
""",
        "src/user.ts": """\
export interface User {
  id: string;
  name: string;
}
""",
    },
    1200,
    """\
// Path: src/user.ts
// export interface User {
//   id: string;
//   name: string;
// }

// Path: src/store.ts
// export class Store<T> {
//   private readonly values = new Map<string, T>();
//
//   async get(key: string): Promise<T | undefined> {
//     return this.values.get(key);
//   }
//
//   async set(key: string, value: T): Promise<void> {
//     this.values.set(key, value);
//   }
// }

import { Store } from './store';
import type { User } from './user';

const LIFETIME = 30 * 60 * 1000;

/** Who is logged in. */
export class Session {
  private readonly store: Store<User>;
  private lastSeen = Date.now();

  constructor(store: Store<User>) {
    this.store = store;
  }

  get isExpired(): boolean {
    return Date.now() - this.lastSeen > LIFETIME;
  }

  touch(): void {
    this.lastSeen = Date.now();
  }

  async user(id: string): Promise<User | undefined> {
    if (this.isExpired) {
      return undefined;
    }
    this.touch();
    return this.store.get(""",
)

CASES = [PYTHON, JAVA, GO, TYPESCRIPT]


def rendered(case: Case) -> str:
    surroundings = Surroundings()
    for path, text in case.others.items():
        surroundings.put(path, text, case.language)
    document, offset = at_cursor(case.marked, case.language)
    context = gather(document, offset, None, surroundings, case.path)
    assert context is not None
    return render(context, FakeEngine().tokenize, case.budget).prompt.text


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.language)
def test_whole_prompts(case: Case) -> None:
    assert rendered(case) == case.prompt


LONG = "".join(f"        value{n} = compute({n})\n" for n in range(60))


def prompt_of(marked: str, budget: int = 1200) -> str:
    return rendered(Case("python", "main.py", marked, {}, budget, ""))


def test_the_heads_around_the_cursor_stand_where_they_would_stand() -> None:
    text = prompt_of(f"class A:\n    def run(self):\n{LONG}        <CURSOR>")
    assert text.startswith("class A:\n    def run(self):\n        value")


def test_an_import_that_the_window_shows_is_not_shown_twice() -> None:
    text = prompt_of(f"import first\nif True:\n{LONG}import last\n<CURSOR>")
    assert text.startswith("import first\n\n") or text.startswith("import first\n ")
    assert text.count("import last") == 1


def test_of_many_imports_those_that_are_used_are_shown() -> None:
    imports = "".join(f"import module{n}\n" for n in range(30))
    text = prompt_of(f"{imports}if True:\n{LONG}        module17.<CURSOR>")
    assert "import module17\n" in text
    assert text.count("import module") <= 4


def test_definitions_are_shown_that_the_window_does_not_show() -> None:
    marked = (
        f"if True:\n{LONG}def inside(): pass\nx = inside(below(<CURSOR>))\ndef below(a): pass\n"
    )
    text = prompt_of(marked)
    assert text.startswith("# Path: main.py\n# def below(a):\n")
    assert text.count("def inside") == 1


SAID = """\
import math

# Set a limit.
limit = 5

# Halve it.
half = limit / 2

# How far is it to the limit?
def distance(n):
    return abs(limit - n)

# Root of both.
roots = [math.sqrt(limit), math.sqrt(half)]

"""
PAIRS = (
    ("Set a limit.", "limit = 5"),
    ("Halve it.", "half = limit / 2"),
    ("How far is it to the limit?", "def distance(n):\n    return abs(limit - n)"),
    ("Root of both.", "roots = [math.sqrt(limit), math.sqrt(half)]"),
)


def talked(
    marked: str, *pairs: tuple[str, str], elsewhere: tuple[Said, ...] = (), budget: int = 1200
) -> Rendered:
    document, offset = at_cursor(marked)
    talk = Talk(turns_in(document.text, *pairs).turns, lambda: elsewhere)
    context = gather(document, offset, path="main.py", talk=talk)
    assert context is not None
    return render(context, FakeEngine().tokenize, budget)


def test_turns_above_the_window_stand_in_front_of_it() -> None:
    rendered = talked(f"{SAID}def run():\n{LONG}        <CURSOR>", *PAIRS, budget=1200)
    assert rendered.prompt.text.startswith("""\
import math

# Halve it.
half = limit / 2

# How far is it to the limit?
def distance(n):
    return abs(limit - n)

# Root of both.
roots = [math.sqrt(limit), math.sqrt(half)]

def run():
        value""")
    assert [each.intent for each in rendered.layout.said_above] == [pair[0] for pair in PAIRS[1:]]
    assert rendered.turns == ()


@pytest.mark.parametrize("budget", [300, 700, 900, 1200, 1600, 2400])
def test_turns_are_shown_whole_the_last_ones_and_once(budget: int) -> None:
    rendered = talked(f"{SAID}def run():\n{LONG * 3}        <CURSOR>", *PAIRS, budget=budget)
    above = rendered.layout.said_above
    assert above == tuple(Said(*pair) for pair in PAIRS)[len(PAIRS) - len(above) :]
    assert len(rendered.prompt.tokens) <= budget
    for words, code in PAIRS:
        n_times = rendered.prompt.text.count(words)
        assert n_times == rendered.prompt.text.count(code)
        assert n_times == (Said(words, code) in above)


def test_what_a_turn_shows_is_not_shown_again() -> None:
    marked = f"# Get re.\nimport re\n\n{SAID}def run():\n{LONG * 3}        distance(re.<CURSOR>)"
    pairs = (("Get re.", "import re"), *PAIRS)
    text = talked(marked, *pairs, budget=2400).prompt.text
    assert text.count("import re\n") == 1
    assert text.count("def distance") == 1
    without = talked(marked, budget=2400).prompt.text
    assert "# def distance(n):" in without


def test_the_window_begins_at_a_turn() -> None:
    """Here the least indented lines of the grid, which are its seams, are those of the code."""
    text, pairs = "", []
    for n in range(40):
        pairs.append((f"Step {n}.", f"print({n})\nprint({n * n})\nprint({n + n})"))
        text += f"# Step {n}.\n{pairs[-1][1]}\n\n"
    for budget in range(600, 1200, 40):
        rendered = talked(f"{text}# The last one.\n<CURSOR>", *pairs, budget=budget)
        first = rendered.turns[0].number - 1
        n_above = len(rendered.layout.said_above)
        assert n_above > 0
        begun = text.index(f"# Step {first - n_above}.\n")
        assert rendered.prompt.text == f"{text[begun:]}# The last one.\n"


def test_turns_below_the_cursor_are_not_shown() -> None:
    rendered = talked(f"def run():\n{LONG}        <CURSOR>\n\n{SAID}", *PAIRS)
    assert "Set a limit" not in rendered.prompt.text
    assert rendered.turns == ()


SUM = Said("Add them up.", "total = sum_of(numbers)")
LOG = Said("Open a log.", 'log = open("log.txt")')
SORT = Said("Sort them.", "numbers.sort()\n\nprint(numbers)")


@pytest.mark.parametrize(
    ("marked", "front"),
    [
        pytest.param(
            "x = 1\n\n# Print the total.\n<CURSOR>", "# Add them up.\ntotal = sum_of(numbers)\n\n",
            id="the one that shares a name",
        ),
        pytest.param(
            "x = 1\n\n# Write numbers to log.\n<CURSOR>",
            '# Open a log.\nlog = open("log.txt")\n\n# Sort them.\nnumbers.sort()\n\nprint(numbers)\n\n'
            "# Add them up.\ntotal = sum_of(numbers)\n\n",
            id="the nearest first",
        ),
        pytest.param("x = 1\n\n# Print x.\n<CURSOR>", "", id="none that has nothing to do with it"),
        pytest.param("x = 1\n\ntotal = <CURSOR>", "", id="none where nothing is wanted"),
        pytest.param(
            "total = sum_of(numbers)\n\n# Print the total.\n<CURSOR>", "", id="none that stands there"
        ),
    ],
)  # fmt: skip
def test_turns_of_other_files_are_for_an_intent(marked: str, front: str) -> None:
    text = talked(marked, elsewhere=(SUM, LOG, SORT)).prompt.text
    assert text == (front + marked.replace("<CURSOR>", "")).rstrip(" ")


def test_of_other_files_only_what_fits_is_told() -> None:
    rendered = talked("# Write numbers to log.\n<CURSOR>", elsewhere=(SUM, LOG, SORT), budget=170)
    assert rendered.layout.said_elsewhere == (LOG, SORT)
    rendered = talked("# Write numbers to log.\n<CURSOR>", elsewhere=(SUM, LOG, SORT), budget=40)
    assert rendered.layout.said_elsewhere == ()
