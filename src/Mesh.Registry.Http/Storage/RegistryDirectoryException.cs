namespace Mesh.Registry.Http.Storage;

/// <summary>A registry's directory is not as it has to be. The message names file, rule and cure; several problems stand on lines of their own.</summary>
public sealed class RegistryDirectoryException(string message, Exception? inner = null) : Exception(message, inner);
