/**
 * Puts a function around one that is there: an export of a module or a method of a class, for all who call it from then on.
 *
 * Built modules are CommonJS, and whoever imports from one looks the function up at every call; what has been handed on before
 * stays what it was.
 */
export function interpose<Of extends object, Name extends keyof Of>(of: Of, name: Name, around: (original: Of[Name]) => Of[Name]): void {
  of[name] = around(of[name]);
}
