namespace Mesh.Cli.Files;

/// <summary>Who may read what is written.</summary>
internal static class FileModes
{
    /// <summary>600: keys, journals, sockets.</summary>
    public const UnixFileMode Secret = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>644: certificates and settings.</summary>
    public const UnixFileMode Readable = Secret | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>700: directories.</summary>
    public const UnixFileMode OwnDirectory = Secret | UnixFileMode.UserExecute;
}
