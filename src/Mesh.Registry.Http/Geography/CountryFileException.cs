namespace Mesh.Registry.Http.Geography;

/// <summary>A country database cannot be used. The message names file and reason.</summary>
public sealed class CountryFileException(string message, Exception? inner = null) : Exception(message, inner);
