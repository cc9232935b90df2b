// Most exchanges are over within milliseconds. What only those that last need (a timer, ears for a client that leaves) is paid
// for by those that last: one timer looks after all that have just begun.

export interface Young {
  /** It was not over soon. Called once, unless `endYouth` is. */
  lasts(): void;
}

/** An exchange is young for at least so long, and at most twice as long. */
const youthMs = 50;

let fresh = new Set<Young>();
let older = new Set<Young>();
let timer: ReturnType<typeof setTimeout> | undefined;

export function beginYouth(exchange: Young): void {
  fresh.add(exchange);
  timer ??= setTimeout(sweep, youthMs);
}

export function endYouth(exchange: Young): void {
  if (!fresh.delete(exchange)) older.delete(exchange);
}

function sweep(): void {
  const grown = older;
  older = fresh;
  fresh = new Set();
  timer = older.size === 0 ? undefined : setTimeout(sweep, youthMs);
  for (const exchange of grown) exchange.lasts();
}
