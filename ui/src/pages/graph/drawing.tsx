// The parts of a path drawing: boxes, and between them arrows that say how. They are lists of text, so that they wrap,
// zoom and are read out like any other.

import { Fragment, type ReactNode } from "react";
import type { Proof, Statement, Step } from "../../api/posture";
import { Icon, type IconName } from "../../parts/icon";
import { ResourceLink } from "../../parts/resource-link";
import { Text } from "../../parts/text";
import {
  type Box,
  dependsOn,
  isStatement,
  placeBox,
  policyWord,
  ruleWord,
  statementWord,
  subjectBox,
  techniqueName,
} from "../../text/path";

/** Kubernetes names are of at most 253 characters, each behind a namespace of 63. */
const NAME_MAX = 320;

export function BoxView({
  box,
  scope,
  tone = "",
  icon,
}: {
  box: Box;
  scope: string;
  tone?: "" | "goal" | "source";
  icon?: IconName;
}) {
  // A name breaks where its parts end rather than within a word.
  const parts = box.name.slice(0, NAME_MAX).split(/(?<=[:/])/);
  const name = parts.map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one name never move
    <Fragment key={index}>
      <Text value={part} />
      <wbr />
    </Fragment>
  ));
  return (
    <span className={`box ${tone}`}>
      <span className="box-kind">
        {icon && <Icon name={icon} />}
        <Text value={box.kind} max={80} />
      </span>
      <strong className="box-name">
        {box.path ? (
          <ResourceLink scope={scope} path={box.path}>
            {name}
          </ResourceLink>
        ) : (
          name
        )}
      </strong>
    </span>
  );
}

export function Arrow({ how, children }: { how: string; children?: ReactNode }) {
  return (
    <span className="arrow">
      <span className="arrow-how">{how}</span>
      <span className="arrow-line" aria-hidden="true" />
      {children && <span className="arrow-why">{children}</span>}
    </span>
  );
}

/** The objects that allow a step, as links. */
export function Grants({ grants, scope }: { grants: readonly (Proof | Statement)[]; scope: string }) {
  return grants.map((proof) =>
    isStatement(proof) ? (
      <StatementView key={JSON.stringify(proof)} statement={proof} scope={scope} />
    ) : (
      <span key={`${proof.binding} ${proof.rule_of} ${proof.rule}`} className="grant">
        by <ResourceLink scope={scope} path={proof.binding} />, {ruleWord(proof)} of{" "}
        <ResourceLink scope={scope} path={proof.rule_of} />
      </span>
    ),
  );
}

/** A statement of a policy, with what it depends on. */
export function StatementView({ statement, scope }: { statement: Statement; scope: string }) {
  const depends = dependsOn(statement);
  return (
    <span className="grant">
      {statement.denies && <strong>denied </strong>}by {policyWord(statement).toLowerCase()}{" "}
      <ResourceLink scope={scope} path={statement.policy} />,{" "}
      <Text value={statementWord(statement)} max={300} />
      {statement.group && (
        <>
          , through <ResourceLink scope={scope} path={statement.group} />
        </>
      )}
      {depends && (
        <>
          {" "}
          <span className="tag warn">
            <Text value={depends} max={300} />
          </span>
        </>
      )}
    </span>
  );
}

/** Marks what is not certain. */
export const Certainty = ({ certainty }: { certainty: string | undefined }) =>
  certainty === "possible" && (
    <span className="tag warn" title="It depends on a condition, or on something that was not collected">
      Possible
    </span>
  );

/** The resources that a step leads through, as links. */
export const Through = ({ step, scope }: { step: Step; scope: string }) =>
  step.through?.map((path) => (
    <span key={path} className="through">
      through <ResourceLink scope={scope} path={path} />
    </span>
  ));

export function StepView({ step, scope, goal }: { step: Step; scope: string; goal: boolean }) {
  return (
    <li className="step">
      <Arrow how={techniqueName(step.technique)}>
        <Text value={step.why} max={300} />
        <Certainty certainty={step.certainty} />
        <Grants grants={step.grants} scope={scope} />
        <Through step={step} scope={scope} />
      </Arrow>
      <BoxView box={placeBox(step.to)} scope={scope} tone={goal ? "goal" : ""} />
    </li>
  );
}

/** A name for one line of a table. */
export function BoxName({ box, scope }: { box: Box; scope: string }) {
  const name = (
    <>
      {box.kind} <Text value={box.name} max={200} />
    </>
  );
  return box.path ? (
    <ResourceLink scope={scope} path={box.path}>
      {name}
    </ResourceLink>
  ) : (
    name
  );
}

export const SubjectName = ({ subject, scope }: { subject: Proof["subject"]; scope: string }) => (
  <BoxName box={subjectBox(subject)} scope={scope} />
);

/** What the answer could not take into account. It stands above the answer, as it bounds what the answer is worth. */
export function Unknown({ unknown }: { unknown: readonly string[] }) {
  if (unknown.length === 0) return <p className="muted">The answer names nothing that it does not know.</p>;
  return (
    <section className="card warned" aria-labelledby="not-known">
      <h2 id="not-known">What this answer does not know</h2>
      <ul className="plain" data-testid="unknown">
        {unknown.map((each) => (
          <li key={each} className="need">
            <Icon name="gap" className="warn" />
            <Text value={each} max={500} />
          </li>
        ))}
      </ul>
    </section>
  );
}
