using System.Runtime.InteropServices;
using System.Text;

namespace Mesh.Cli.Files;

/// <summary>Writes small files that must not be lost, half written or readable by others for a moment.</summary>
internal static partial class DurableFile
{
    private const int CloseOnExec = 0x80000;   // O_CLOEXEC; O_RDONLY is 0

    /// <summary>Makes a file that must not exist yet, with its mode from the moment it exists, and synchronizes file and directory with the disk.</summary>
    /// <exception cref="IOException">It exists, or the disk refuses.</exception>
    public static void Create(string path, string text, UnixFileMode mode) => Write(path, text, mode, overwrite: false);

    /// <summary>Makes a file or puts it in the place of another one, at once: readers see the old one or the new one.</summary>
    public static void Replace(string path, string text, UnixFileMode mode) => Write(path, text, mode, overwrite: true);

    private static void Write(string path, string text, UnixFileMode mode, bool overwrite)
    {
        string temporary = $"{path}.{Environment.ProcessId}.new";
        File.Delete(temporary);
        try
        {
            // CreateNew is O_EXCL: no link that somebody laid out is followed.
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.None, UnixCreateMode = mode };
            using (var file = new FileStream(temporary, options))
            {
                File.SetUnixFileMode(file.SafeFileHandle, mode);   // the umask may have taken bits away
                file.Write(Encoding.UTF8.GetBytes(text));
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
        Synchronize(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    // A file's name is durable only once its directory is.
    private static void Synchronize(string directory)
    {
        int descriptor = Open(directory, CloseOnExec);
        if (descriptor < 0)
            throw new IOException($"{directory} cannot be opened: {Marshal.GetLastPInvokeErrorMessage()}");
        try
        {
            if (FileSynchronize(descriptor) < 0)
                throw new IOException($"{directory} cannot be synchronized with the disk: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FileSynchronize(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
