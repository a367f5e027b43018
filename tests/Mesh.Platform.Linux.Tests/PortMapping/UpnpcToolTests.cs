using System.Diagnostics;
using System.Net;
using System.Runtime.Versioning;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.PortMapping;
using Mesh.Protocol.PortMapping;

namespace Mesh.Platform.Linux.Tests.PortMapping;

[SupportedOSPlatform("linux")]
public sealed class UpnpcToolTests : IDisposable
{
    private const string Url = "http://10.1.0.254:5000/rootDesc.xml";

    private static readonly IPAddress Local = IPAddress.Parse("10.1.0.1");

    private readonly string _folder = Directory.CreateTempSubdirectory("mesh-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Each_command_has_its_arguments()
    {
        Assert.Equal(["-m", "10.1.0.1", "-s"], UpnpcTool.ArgumentsOf(new UpnpDiscover(Local)));
        Assert.Equal(
            ["-u", Url, "-e", "mesh", "-a", "10.1.0.1", "6626", "7000", "UDP", "3600"],
            UpnpcTool.ArgumentsOf(new UpnpMap(Url, Local, TransportProtocol.Udp, 6626, 7000, TimeSpan.FromHours(1))));
        Assert.Equal(["-u", Url, "-d", "7000", "TCP"], UpnpcTool.ArgumentsOf(new UpnpUnmap(Url, TransportProtocol.Tcp, 7000)));
    }

    [Fact]
    public void What_it_prints_is_read_whatever_status_it_ends_with()
    {
        string program = Script("echo \" desc: $5\"; echo 'failed' >&2; exit 3");
        Assert.Equal(new UpnpcOutput(), Run(program, 10));
        program = Script("echo 'Found valid IGD : x'; echo \"ExternalIPAddress = $2\"; exit 2");
        Assert.Equal(new UpnpcOutput { HasGateway = true, ExternalAddress = Local }, Run(program, 10));
    }

    [Fact]
    public void One_that_does_not_end_is_killed_and_one_that_is_not_there_is_said()
    {
        string pid = Path.Combine(_folder, "pid");
        string program = Script($"echo $$ >{pid}; exec sleep 600");
        Assert.Contains("has not ended after 0.5 s", Assert.Throws<IOException>(() => Run(program, 0.5)).Message, StringComparison.Ordinal);
        string number = File.ReadAllText(pid).Trim();
        Assert.True(SpinWait.SpinUntil(() => !Directory.Exists($"/proc/{number}"), TimeSpan.FromSeconds(10)));
        Assert.Contains("/nowhere/upnpc cannot be run", Assert.Throws<IOException>(() => Run("/nowhere/upnpc", 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_that_prints_without_end_costs_time_and_no_memory()
    {
        string program = Script("exec yes 'Found valid IGD : x'");
        long start = Stopwatch.GetTimestamp();
        Assert.Throws<IOException>(() => Run(program, 1));
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10));
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true), 0, 200_000_000);
    }

    [Fact]
    public void When_the_node_stops_the_tool_is_killed_and_nobody_waits_for_it()
    {
        var box = new Mailbox();
        var port = new PortMappingPort(new PortMappingPortOptions { Program = Script("exec sleep 600") });
        port.Run(new UpnpDiscover(Local), box);
        port.Run(new UpnpDiscover(Local), box);
        long start = Stopwatch.GetTimestamp();
        port.Dispose();
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.Equal("this node is stopping", box.Next<UpnpFailed>().Reason);
        Assert.Equal("this node is stopping", box.Next<UpnpFailed>().Reason);
        port.Run(new UpnpDiscover(Local), box);   // to nobody
        Assert.Equal((0, 1), (box.Count, port.DroppedCount));
    }

    private static UpnpcOutput Run(string program, double seconds) => UpnpcTool.Run(program, new UpnpDiscover(Local), TimeSpan.FromSeconds(seconds), TestContext.Current.CancellationToken);

    private string Script(string text)
    {
        string path = Path.Combine(_folder, "program");
        File.WriteAllText(path, $"#!/bin/sh\n{text}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }
}
