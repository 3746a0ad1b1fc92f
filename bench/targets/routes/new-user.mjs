// The contract of `POST /users/:id`: a body that is checked, an answer of three fields. JSON Schema, as TypeBox writes it.
import { Type } from "@sinclair/typebox";
import { TypeCompiler } from "@sinclair/typebox/compiler";

export const NewUser = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 100 }),
  email: Type.String({ pattern: "^[^@\\s]+@[^@\\s]+$", maxLength: 200 }),
  age: Type.Optional(Type.Integer({ minimum: 0, maximum: 150 })),
  tags: Type.Array(Type.String(), { maxItems: 20 }),
});

const text = { type: "string" };

/** Of the answer. */
export const UserCreated = { type: "object", properties: { id: text, name: text, email: text } };

export const checkNewUser = TypeCompiler.Compile(NewUser);
