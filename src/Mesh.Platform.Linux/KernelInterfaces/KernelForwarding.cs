using System.Text.Json;

namespace Mesh.Platform.Linux.KernelInterfaces;

/// <summary>Lets the kernel forward IPv6 packets between devices while it is needed, and puts everything back as it was.</summary>
/// <remarks>
/// <code>
/// net.ipv6.conf.all.forwarding = 1          the kernel has no switch for single devices; it sets the one of every device, too
/// net.ipv6.conf.DEVICE.accept_ra = 2        where it was 1: a device that forwards would not listen to router advertisements any more, and the machine lose its default route
/// </code>
/// Where forwarding is on already nothing is changed. What was there before is written to a file first, so that after a crash the next start still knows it.
/// Settings are those of the network namespace of the calling thread.
/// </remarks>
public sealed class KernelForwarding : IDisposable
{
    private const string Folder = "/proc/sys/net/ipv6/conf";
    private const string All = "all/forwarding";

    private readonly string _file;
    private bool _isDisposed;

    private KernelForwarding(string file) => _file = file;

    /// <summary>Switches it on.</summary>
    /// <param name="file">Where to remember what has to be put back.</param>
    /// <exception cref="IOException">The settings cannot be changed.</exception>
    public static KernelForwarding Enable(string file)
    {
        Restore(file);   // of a run that has crashed
        if (Read(All) == "1")
            return new KernelForwarding(file);
        var before = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string path in Directory.GetDirectories(Folder))
        {
            string device = Path.GetFileName(path);
            if (device != "all" && Read($"{device}/accept_ra") == "1")
                before[$"{device}/accept_ra"] = "1";
        }

        string[] listening = [.. before.Keys];
        before[All] = "0";
        File.WriteAllText(file, JsonSerializer.Serialize(before));
        foreach (string setting in listening)
            Write(setting, "2");
        Write(All, "1");
        return new KernelForwarding(file);
    }

    /// <summary>Puts everything back.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        Restore(_file);
    }

    private static void Restore(string file)
    {
        if (!File.Exists(file))
            return;
        // Forwarding first: without it a device with accept_ra 1 listens again.
        try
        {
            Dictionary<string, string> before = JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllText(file)) ?? [];
            foreach ((string setting, string value) in before.OrderByDescending(static entry => entry.Key == All))
            {
                if (File.Exists(Path.Combine(Folder, setting)))
                    Write(setting, value);
            }
        }
        catch (JsonException)
        {
            // It was cut off while it was written, before anything was changed.
        }

        File.Delete(file);
    }

    private static string Read(string setting) => File.ReadAllText(Path.Combine(Folder, setting)).Trim();

    private static void Write(string setting, string value) => File.WriteAllText(Path.Combine(Folder, setting), value);
}
