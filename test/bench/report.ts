// Findings as markdown.
import { printNumber } from "./statistics.ts";
import type { Noise } from "./machine.ts";
import type { Aim, Findings, Section, Table } from "./section.ts";

const busy =
  '**The machine was busy with other things: neither a "met" nor a "missed" of this run is to be relied upon.**';

/** One section: its table, its aims, how to read them. */
export function printFindings(section: Section, findings: Findings, noise: Noise): string {
  const { tables, aims, notes, wrongAnswers } = findings;
  return [
    `### ${section.title}`,
    ...tables.map(printTable),
    ...(aims.length === 0 ? [] : [printTable(aimTable(aims, noise))]),
    [...notes, `Wrong answers: ${wrongAnswers}. ${noise.text}`.trim(), ...(noise.isQuiet ? [] : [busy])].join("\n"),
  ].join("\n\n");
}

export function printTable({ head, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function aimTable(aims: readonly Aim[], { isQuiet }: Noise): Table {
  return {
    head: ["aim", "wanted", "measured", ""],
    rows: aims.map((aim) => {
      const print = (value: number) =>
        Number.isFinite(value) ? `${printNumber(value, aim.digits ?? 2)} ${aim.unit}`.trim() : "–";
      return [
        aim.what,
        `${aim.is} ${print(aim.limit)}`,
        print(aim.measured),
        verdict(aim) + (isQuiet ? "" : " (busy machine)"),
      ];
    }),
  };
}

/** "met", or by how much of the limit it was missed. */
export function verdict({ limit, measured, is }: Aim): string {
  if (Number.isNaN(measured)) return "not measured";
  const beyond = is === "at least" ? limit - measured : measured - limit;
  if (beyond <= 0) return "met";
  return limit === 0 || beyond === Infinity ? "missed" : `missed by ${Math.ceil((beyond / limit) * 100)} %`;
}
