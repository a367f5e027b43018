using System.Text;

namespace Mesh.Hocon;

/// <summary>Loads from the file system.</summary>
public sealed class FileHoconLoader : IHoconLoader
{
    // Strict: the specification wants files to be valid UTF-8, and a replacement character in a password would be a long search.
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The one instance; it has no state.</summary>
    public static FileHoconLoader Instance { get; } = new();

    /// <inheritdoc/>
    public string Locate(string name, string including)
    {
        if (Path.IsPathRooted(name))
            return name;
        string? directory = Path.GetDirectoryName(including);
        return string.IsNullOrEmpty(directory) ? name : Path.Combine(directory, name);
    }

    /// <inheritdoc/>
    public string? Load(string path, int maxLength)
    {
        if (!File.Exists(path))
            return null;
        var start = new HoconOrigin(HoconSource.File, path, 1, 1);
        try
        {
            // One code unit is at most three octets of UTF-8.
            if (new FileInfo(path).Length > 3L * maxLength)
                throw new HoconException(start, $"the file is larger than the limit of {maxLength} characters");
            return StrictUtf8.GetString(File.ReadAllBytes(path));
        }
        catch (DecoderFallbackException failure)
        {
            throw new HoconException(start, $"the file is not valid UTF-8 at octet {failure.Index}", "UTF-8");
        }
        catch (UnauthorizedAccessException)
        {
            throw new HoconException(start, "the file may not be read", "read permission");
        }
    }
}
