using Mesh.Actors;
using Mesh.Node.Certificates;
using Mesh.Node.Joining;
using Mesh.Node.Peers;
using Mesh.Node.PortMapping;
using Mesh.Node.Routing.Lan;
using Mesh.Node.Tunnels;
using Mesh.Node.Tunnels.Killers;
using Mesh.Node.Tunnels.OpenVpn;

namespace Mesh.Node.Tests;

/// <summary>The pages in docs/states show what the code declares. MESH_UPDATE_DOCS=1 rewrites their diagrams.</summary>
public sealed class StateDiagramTests
{
    private const string Fence = "```mermaid\n";
    private const string End = "```\n<!-- end of diagram -->";

    [Fact]
    public void The_page_about_tunnels_shows_the_declared_states() => Check("tunnel.md", TunnelState.Connecting, TunnelActor.Transitions, [TunnelState.Greeting]);

    [Fact]
    public void The_page_about_tunnels_of_OpenVPN_shows_the_declared_states() => Check("openvpn-tunnel.md", OpenVpnTunnelState.Connecting, OpenVpnTunnelActor.Transitions, []);

    [Fact]
    public void The_page_about_OpenVPN_servers_shows_the_declared_states() => Check("openvpn-server.md", OpenVpnServerState.Waiting, OpenVpnServerActor.Transitions, []);

    [Fact]
    public void The_page_about_destructions_shows_the_declared_states() => Check("tunnel-killer.md", KillerState.Waiting, Killer.Transitions, []);

    [Fact]
    public void The_page_about_interfaces_of_the_lan_shows_the_declared_states() => Check("lan-interface.md", LanInterfaceState.Absent, LanInterfaceActor.Transitions, []);

    [Fact]
    public void The_page_about_joins_shows_the_declared_states() => Check("join.md", JoinState.FetchingAuthority, JoinActor.Transitions, []);

    [Fact]
    public void The_page_about_certificates_shows_the_declared_states() =>
        Check("certificate.md", CertificateState.Valid, CertificateActor.Transitions, [CertificateState.Renewing, CertificateState.Expired]);

    [Fact]
    public void The_page_about_sessions_shows_the_declared_states() => Check("peer.md", PeerState.Idle, PeerActor.Transitions, []);

    [Fact]
    public void The_page_about_mapped_ports_shows_the_declared_states() => Check("port-mapping.md", PortMappingState.Searching, PortMappingActor.Transitions, []);

    private static void Check<TState>(string page, TState start, IReadOnlyList<FsmTransition<TState>> transitions, TState[] furtherStarts)
        where TState : struct, Enum
    {
        string path = Path.Combine(Root(), "docs", "states", page);
        string text = File.ReadAllText(path).ReplaceLineEndings("\n");
        int from = text.IndexOf(Fence, StringComparison.Ordinal), to = text.IndexOf(End, StringComparison.Ordinal);
        Assert.True(from >= 0 && to > from, $"{page} has no block for the diagram");
        string expected = FsmDiagram.ToMermaid(start, transitions) + string.Concat(furtherStarts.Select(s => $"    [*] --> {s}\n"));
        string updated = text[..(from + Fence.Length)] + expected + text[to..];
        if (updated != text && Environment.GetEnvironmentVariable("MESH_UPDATE_DOCS") == "1")
            File.WriteAllText(path, text = updated);
        Assert.Equal(updated, text);
        Assert.All(Enum.GetNames<TState>(), state => Assert.Matches($@"(?m)^- \*\*{state}\*\*: .{{20,}}\.$", text));
        Assert.Equal(Enum.GetNames<TState>().Length, text.Split("\n- **").Length - 1);
    }

    private static string Root()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Mesh.Actors.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException("the tests run outside of the project's folder");
    }
}
