using System.Diagnostics;
using Mesh.Cli.Control;
using Mesh.Cli.Files;
using Mesh.Cli.Node;
using Mesh.Cli.Shell;
using Mesh.Node.Tunnels;

namespace Mesh.Cli.Demo;

/// <summary>A node's process and what it last said of itself.</summary>
internal sealed class NodeInRun(DemoMachine machine, string directory)
{
    /// <summary>Where it runs.</summary>
    public DemoMachine Machine => machine;

    /// <summary>Its directory.</summary>
    public string Directory => directory;

    /// <summary>Its process, once it is started.</summary>
    public Process? Process { get; set; }

    /// <summary>What it last said of itself, or null.</summary>
    public NodeStatusReport? Status { get; private set; }

    /// <summary>Its overlay address, once it has said so.</summary>
    public string Address => Status?.Address ?? "";

    /// <summary>Its common name, once it has said so.</summary>
    public string Prefix => Status?.Prefix ?? "";

    /// <summary>Whom it has tunnels with, by common name, and over what.</summary>
    public IReadOnlyList<(string Peer, TunnelPathKind Path)> Tunnels =>
        [.. (Status?.Tunnels ?? []).Where(static tunnel => tunnel is { State: TunnelState.Up, Peer: not null }).Select(static tunnel => (tunnel.Peer!, tunnel.Path))];

    /// <summary>How many nodes it has a route to.</summary>
    public int Routes => Status?.Routes.Count ?? 0;

    /// <summary>Asks it over its control socket. A node that does not answer yet keeps what it last said.</summary>
    public async Task LookAsync(CancellationToken cancellation)
    {
        string socket = new NodeDirectory(directory).ControlPath;
        if (!File.Exists(socket))
            return;
        try
        {
            using ControlClient client = ControlClient.Connect(socket, machine.Name, "mesh node run");
            Status = await client.AskAsync<NodeStatusReport>(NodeControl.Status, null, cancellation);
        }
        catch (Exception e) when (e is CommandFailedException or IOException)
        {
            // It is starting, or was killed; the caller's own limits decide how long that may last.
        }
    }
}
