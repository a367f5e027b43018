using Mesh.Actors;
using Mesh.Protocol.OpenVpn;

namespace Mesh.Platform.Linux.OpenVpn;

/// <summary>Settings of an <see cref="OpenVpnPort"/>.</summary>
public sealed record OpenVpnPortOptions
{
    /// <summary>The program: a path, or a name that is looked for.</summary>
    public string Program { get; init; } = "openvpn";

    /// <summary>The program's version, see <see cref="OpenVpnPort.Detect"/>.</summary>
    public required OpenVpnVersion Version { get; init; }

    /// <summary>Files that OpenVPN reads.</summary>
    public required OpenVpnFiles Files { get; init; }

    /// <summary>A directory of our own for sockets and for what has to be swept up after a crash. It is made, mode 700.</summary>
    public required string RunDirectory { get; init; }

    /// <summary>How long a process may take from its start to its first word, and from the order to end to its end. Default 5 s (re6st).</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Gets what OpenVPN writes, line by line, and what we have to say.</summary>
    public Action<LogLevel, string> Log { get; init; } = static (_, _) => { };
}
