namespace Mesh.Hocon.Schema;

/// <summary>A rule over several keys. It is asked only if all of them have valid values.</summary>
/// <param name="Name">A short name in kebab-case, for <see cref="ConfigProblem.Rule"/>.</param>
/// <param name="Keys">The keys that it reads; a problem is reported at the first.</param>
/// <param name="Message">The rule as a sentence, without values.</param>
/// <param name="Holds">True if the configuration obeys.</param>
public sealed record ConfigRule(string Name, IReadOnlyList<ConfigKey> Keys, string Message, Func<ResolvedConfig, bool> Holds);
