using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Mesh.Platform.Linux.OpenVpn;

/// <summary>Remembers on the disk which processes are ours, so that after a crash the next start ends those that have survived it, and only those.</summary>
/// <remarks>
/// <code>
/// DIR/NAME.pid   PID START      START: when the process began, in clock ticks since the machine did (proc(5), field 22), so that another process with that number is not taken for it
/// </code>
/// A process whose management connection is gone ends by itself. What is still there at the next start was stopped, hung or too slow.
/// </remarks>
internal static class ProcessRecord
{
    /// <summary>Ends of the names of sockets.</summary>
    public const string SocketSuffix = ".sock";

    private const string Suffix = ".pid";
    private const int StartField = 22, FirstFieldAfterName = 3;

    /// <summary>Writes a process down.</summary>
    public static void Write(string directory, string name, int process) =>
        File.WriteAllText(Path.Combine(directory, name + Suffix), string.Create(CultureInfo.InvariantCulture, $"{process} {StartOf(process)}"));

    /// <summary>It has ended.</summary>
    public static void Delete(string directory, string name) => File.Delete(Path.Combine(directory, name + Suffix));

    /// <summary>Ends what is left of an earlier run, waits until it is gone, and removes what it has left.</summary>
    /// <returns>How many processes were ended.</returns>
    public static int Sweep(string directory, TimeSpan patience)
    {
        int ended = 0;
        foreach (string path in Directory.GetFiles(directory, "*" + Suffix))
        {
            string[] fields = File.ReadAllText(path).Split(' ');
            if (fields.Length == 2 && int.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out int process) && process > 0
                && StartOf(process) is { Length: > 0 } start && start == fields[1] && TryEnd(process, patience))
            {
                ended++;
            }

            File.Delete(path);
        }

        foreach (string socket in Directory.GetFiles(directory, "*" + SocketSuffix))
            File.Delete(socket);
        return ended;
    }

    private static bool TryEnd(int number, TimeSpan patience)
    {
        try
        {
            using var process = Process.GetProcessById(number);
            process.Kill();
            return process.WaitForExit(patience);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or Win32Exception)
        {
            return false;   // it has ended meanwhile
        }
    }

    // The name is in parentheses and may hold anything, parentheses too.
    private static string StartOf(int process)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{process}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[StartField - FirstFieldAfterName];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
