// The contract of `POST /users` that all targets with routes share.

/** What is wrong with a value that should be a user: one line each, empty when nothing is. */
export function problemsOfUser(user) {
  if (typeof user !== "object" || user === null || Array.isArray(user)) return ["must be an object"];
  const problems = [];
  const check = (name, isGood, rule) => isGood(user[name]) || problems.push(`/${name} must be ${rule}`);
  const isOptional = (isGood) => (value) => value === undefined || isGood(value);
  const isText = (max) => (value) => typeof value === "string" && value.length > 0 && value.length <= max;
  check("id", isText(64), "a string of 1 to 64 characters");
  check("name", isText(200), "a string of 1 to 200 characters");
  check("email", (value) => isText(254)(value) && /^[^\s@]+@[^\s@]+$/.test(value), "an e-mail address");
  check(
    "age",
    isOptional((value) => Number.isInteger(value) && value >= 0 && value <= 150),
    "a whole number from 0 to 150",
  );
  check(
    "tags",
    isOptional((value) => Array.isArray(value) && value.every(isText(50))),
    "a list of strings",
  );
  check(
    "metadata",
    isOptional((value) => typeof value === "object" && value !== null && !Array.isArray(value)),
    "an object",
  );
  return problems;
}
