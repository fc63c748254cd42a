import { Problem } from "../api/client";
import { Icon } from "./icon";
import { Text } from "./text";

/** Why the server did not do what was asked: its words, its advice and its code. */
export function ProblemLine({ error }: { error: Error }) {
  const problem = error instanceof Problem ? error : null;
  const words = problem ? [problem.message, problem.detail, problem.hint] : [error.message];
  return (
    <p className="error-line" role="alert">
      <Icon name="warning" />
      <span>
        <Text value={words.filter(Boolean).join(" ")} max={1000} />
        {problem && (
          <>
            {" "}
            <code>{problem.code}</code>
          </>
        )}
      </span>
    </p>
  );
}
