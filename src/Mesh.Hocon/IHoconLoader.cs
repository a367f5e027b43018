namespace Mesh.Hocon;

/// <summary>The only way from a document to other files, so that a test or an embedder decides what can be included.</summary>
public interface IHoconLoader
{
    /// <summary>Turns the name in an include statement into the name to load.</summary>
    /// <param name="name">What the statement says.</param>
    /// <param name="including">The file that says it. A relative name is relative to that file's directory, never to the process's.</param>
    string Locate(string name, string including);

    /// <summary>The text of a file, or null if there is no such file. Any other failure throws <see cref="HoconException"/> or <see cref="IOException"/>.</summary>
    /// <param name="path">A name that <see cref="Locate"/> gave.</param>
    /// <param name="maxLength">The most UTF-16 code units that will be accepted; a loader may refuse earlier than it reads.</param>
    string? Load(string path, int maxLength);
}

/// <summary>A world without files.</summary>
internal sealed class NoFiles : IHoconLoader
{
    public static NoFiles Instance { get; } = new();

    public string Locate(string name, string including) => name;

    public string? Load(string path, int maxLength) => null;
}
