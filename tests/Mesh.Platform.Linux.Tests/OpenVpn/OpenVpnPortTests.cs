using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.OpenVpn;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.OpenVpn;

namespace Mesh.Platform.Linux.Tests.OpenVpn;

/// <summary>Processes that do not behave; that those which do lead to tunnels is shown in Mesh.Interop.Tests.</summary>
[SupportedOSPlatform("linux")]
public sealed class OpenVpnPortTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mesh-").FullName;
    private readonly Mailbox _box = new();

    private string RunDirectory => Path.Combine(_folder, "run");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_program_that_is_not_there_is_said_to_the_owner()
    {
        await using OpenVpnPort port = Open("/nowhere/openvpn");
        OpenVpnProcessId id = Start(port);
        var ended = _box.Next<OpenVpnEnded>();
        Assert.Equal(id, ended.Process);
        Assert.Contains("/nowhere/openvpn cannot be run", ended.Reason, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(RunDirectory));
        Assert.Throws<IOException>(static () => OpenVpnPort.Detect("/nowhere/openvpn"));
    }

    [Fact]
    public async Task Of_a_process_that_ends_the_last_words_are_the_reason()
    {
        await using OpenVpnPort port = Open(Script("echo 'Options error: no such option'; exit 1"));
        Start(port);
        Assert.Equal("it ended with status 1: Options error: no such option", _box.Next<OpenVpnEnded>().Reason);
        Assert.Empty(Directory.GetFiles(RunDirectory));
    }

    [Fact]
    public async Task A_process_that_never_says_anything_is_killed()
    {
        await using OpenVpnPort port = Open(Script("echo $$ >PID; exec sleep 600"));
        Start(port);
        Assert.Equal("it ended with status 137", _box.Next<OpenVpnEnded>().Reason);
        Assert.False(Directory.Exists($"/proc/{(await File.ReadAllTextAsync(Path.Combine(_folder, "pid"), TestContext.Current.CancellationToken)).Trim()}"));
    }

    [Fact]
    public async Task When_the_port_is_disposed_its_processes_are_gone_and_no_more_are_started()
    {
        OpenVpnPort port = Open(Script("exec sleep 600"), TimeSpan.FromSeconds(1));
        Start(port);
        await port.DisposeAsync();
        _box.Next<OpenVpnEnded>();
        Start(port);
        Assert.Equal("this node is stopping", _box.Next<OpenVpnEnded>().Reason);
    }

    [Fact]
    public void The_version_that_is_installed_is_found_and_one_that_is_too_old_refused()
    {
        Assert.Equal(new OpenVpnVersion(2, 5), OpenVpnPort.Detect(Script("echo 'OpenVPN 2.5.9 x86_64'; exit 1")));
        Assert.Contains("2.4 or later is needed", Assert.Throws<IOException>(() => OpenVpnPort.Detect(Script("echo 'OpenVPN 2.3.18 x86_64'"))).Message, StringComparison.Ordinal);
        Assert.Contains("does not say that it is OpenVPN", Assert.Throws<IOException>(() => OpenVpnPort.Detect(Script("echo hello"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_an_earlier_run_has_left_is_ended_and_nothing_else()
    {
        Directory.CreateDirectory(RunDirectory);
        using Process left = Process.Start("sleep", ["600"]), other = Process.Start("sleep", ["600"]);
        try
        {
            ProcessRecord.Write(RunDirectory, "mesh-tcp", left.Id);
            // A number that somebody else has got meanwhile, one that nobody has, and what is no record.
            File.WriteAllText(Path.Combine(RunDirectory, "mesh-1.pid"), string.Create(CultureInfo.InvariantCulture, $"{other.Id} 1"));
            File.WriteAllText(Path.Combine(RunDirectory, "mesh-2.pid"), "2147483647 1");
            File.WriteAllText(Path.Combine(RunDirectory, "mesh-3.pid"), "1; rm");
            File.WriteAllText(Path.Combine(RunDirectory, "mesh-1.sock"), "");
            var said = new List<string>();
            _ = OpenVpnPort.Open(Options("openvpn") with { Log = (_, text) => said.Add(text) });
            Assert.Equal(["1 OpenVPN processes of an earlier run were ended"], said);
            Assert.True(left.WaitForExit(TimeSpan.FromSeconds(10)));
            Assert.False(other.HasExited);
            Assert.Empty(Directory.GetFiles(RunDirectory));
        }
        finally
        {
            other.Kill();
            if (!left.HasExited)
                left.Kill();
        }
    }

    [Fact]
    public void A_directory_whose_sockets_could_not_be_named_is_refused() => Assert.Contains(
        "too long", Assert.Throws<IOException>(() => OpenVpnPort.Open(Options("openvpn") with { RunDirectory = Path.Combine(_folder, new string('x', 90)) })).Message, StringComparison.Ordinal);

    private OpenVpnPortOptions Options(string program) => new()
    {
        Program = program,
        Version = new OpenVpnVersion(2, 6),
        Files = new OpenVpnFiles("ca.crt", "node.crt", "node.key"),
        RunDirectory = RunDirectory,
        Patience = TimeSpan.FromMilliseconds(500),
    };

    private OpenVpnPort Open(string program, TimeSpan? patience = null) => OpenVpnPort.Open(Options(program) with { Patience = patience ?? TimeSpan.FromMilliseconds(500) });

    private OpenVpnProcessId Start(OpenVpnPort port)
    {
        var link = new OpenVpnLinkOptions("mesh-test", Ipv6Address.Parse("fe80::1"), TimeSpan.FromSeconds(60), Encrypt: true);
        return port.StartServer(new OpenVpnServerOrder(AddressProtocol.Tcp, 1194, link), _box);
    }

    private string Script(string text)
    {
        string path = Path.Combine(_folder, "program");
        File.WriteAllText(path, $"#!/bin/sh\n{text.Replace("PID", Path.Combine(_folder, "pid"), StringComparison.Ordinal)}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }
}
