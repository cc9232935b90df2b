// The only switch on the strategy's name.
import type { Resource } from "../config/config.ts";
import type { Log } from "../telemetry/log.ts";
import { passthrough } from "./passthrough.ts";
import type { Strategy } from "./strategy.ts";

export interface StrategyTools {
  fetch: typeof fetch;
  log: Log;
}

/** One strategy per resource, made at start. */
export interface Strategies {
  of(resource: Resource): Strategy;
}

export function createStrategies(resources: readonly Resource[], tools: StrategyTools): Strategies {
  const strategies = new Map(resources.map((resource) => [resource.name, createStrategy(resource, tools)]));
  return { of: (resource) => strategies.get(resource.name)! };
}

function createStrategy(resource: Resource, tools: StrategyTools): Strategy {
  switch (resource.strategy.kind) {
    case "passthrough":
      return passthrough(resource, resource.strategy, tools);
    default:
      throw new TypeError(`strategy ${resource.strategy.kind} is not part of this version`);
  }
}
