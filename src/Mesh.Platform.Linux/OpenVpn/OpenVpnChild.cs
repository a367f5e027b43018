using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;
using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Platform.Linux.KernelInterfaces;
using Mesh.Protocol.Addressing;
using Mesh.Protocol.OpenVpn;

namespace Mesh.Platform.Linux.OpenVpn;

/// <summary>One OpenVPN process, from its start to its end, and the conversation with it.</summary>
/// <remarks>
/// We listen on a Unix socket, and the process connects to it: when we are gone, by whatever cause, the connection is gone too, and OpenVPN ends itself and its device with it.
/// It holds until it is told to go on, so it does nothing on its own.
/// </remarks>
[SupportedOSPlatform("linux")]
internal sealed class OpenVpnChild(OpenVpnProcessId id, string name, OpenVpnLinkOptions link, OpenVpnPortOptions options, ActorRef owner, Action<int> claims)
{
    private const int SocketLevel = 1, PeerCredentials = 17, CredentialsLength = 12;   // asm-generic/socket.h: SO_PEERCRED; struct ucred: pid, uid, gid
    private const int DefaultMtu = 1500;

    private static readonly TimeSpan CommandPatience = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly Dictionary<uint, ActorRef> _clients = [];
    private readonly CancellationTokenSource _stop = new();
    private Socket? _management;
    private ManagementNotice? _device;
    private string? _problem;
    private string? _detail;   // why it is connecting anew or ending, in OpenVPN's words
    private string _lastWords = "";

    /// <summary>Where the process finds us.</summary>
    public string SocketPath { get; } = Path.Combine(options.RunDirectory, name + ProcessRecord.SocketSuffix);

    /// <summary>Runs the process. The task ends when it is gone and its owner knows.</summary>
    public async Task RunAsync(IReadOnlyList<string> arguments)
    {
        string reason;
        try
        {
            reason = await ConverseAsync(arguments).ConfigureAwait(false);
        }
        catch (Exception e)   // whatever it is, the owner has to hear of the end
        {
            reason = $"{options.Program} cannot be run: {e.Message.TrimEnd('.')}";
        }

        lock (_lock)
        {
            _management = null;
            foreach ((uint client, ActorRef who) in _clients)
                who.Tell(new OpenVpnClientGone(id, client));
            _clients.Clear();
        }

        owner.Tell(new OpenVpnEnded(id, reason));
    }

    /// <summary>Asks the process to end; by force where it does not in time.</summary>
    public void Stop()
    {
        _stop.Cancel();   // first: where the connection is just being made, whoever makes it sees that
        Command("signal SIGTERM");
    }

    /// <summary>Lets a client in.</summary>
    public void Admit(OpenVpnClientAsks asks, ActorRef client)
    {
        lock (_lock)
        {
            if (_management is not null)
                _clients[asks.Client] = client;
            else
                client.Tell(new OpenVpnClientGone(id, asks.Client));
        }

        string push = asks.Peer.Remote is { } remote ? $"push \"setenv-safe external_ip {remote.Address}\"\n" : "";
        Command(string.Create(CultureInfo.InvariantCulture, $"client-auth {asks.Client} {asks.Key}\n{push}END"));
    }

    /// <summary>Sends a client away.</summary>
    public void Refuse(OpenVpnClientAsks asks, string reason)
    {
        string quoted = string.Concat(reason.Select(static c => c is >= ' ' and <= '~' and not ('"' or '\\' or ',') ? c : ' '));
        Command(string.Create(CultureInfo.InvariantCulture, $"client-deny {asks.Client} {asks.Key} \"{quoted}\" \"{quoted}\""));
    }

    /// <summary>Cuts a client off.</summary>
    public void Kill(uint client) => Command(string.Create(CultureInfo.InvariantCulture, $"client-kill {client}"));

    private async Task<string> ConverseAsync(IReadOnlyList<string> arguments)
    {
        File.Delete(SocketPath);
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        File.SetUnixFileMode(SocketPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        listener.Listen(1);
        var start = new ProcessStartInfo(options.Program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        using Process process = Process.Start(start)!;
        ProcessRecord.Write(options.RunDirectory, name, process.Id);
        try
        {
            process.StandardInput.Close();
            Task output = Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
            using (Socket? management = await AcceptAsync(listener, process).ConfigureAwait(false))
            {
                listener.Dispose();   // a connection that was not taken is cut by that, and the process ends
                if (management is not null)
                    await ListenAsync(management).ConfigureAwait(false);
            }

            await EndAsync(process).ConfigureAwait(false);
            await output.WaitAsync(options.Patience).ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(false);
            string status = process.ExitCode == 0 ? "it ended" : $"it ended with status {process.ExitCode}";
            return _problem ?? ((_detail ?? _lastWords) is { Length: > 0 } why ? $"{status}: {why}" : status);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
            ProcessRecord.Delete(options.RunDirectory, name);
            File.Delete(SocketPath);
        }
    }

    // Null where the process ends before, or takes too long.
    private async Task<Socket?> AcceptAsync(Socket listener, Process process)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(options.Patience);
        try
        {
            Task<Socket> accepting = listener.AcceptAsync(limit.Token).AsTask();
            Task exit = process.WaitForExitAsync(limit.Token);
            await Task.WhenAny(accepting, exit).ConfigureAwait(false);
            if (!accepting.IsCompletedSuccessfully)
            {
                await limit.CancelAsync().ConfigureAwait(false);
                return null;
            }

            Socket accepted = await accepting.ConfigureAwait(false);
            await limit.CancelAsync().ConfigureAwait(false);
            File.Delete(SocketPath);   // nobody else shall come
            if (PeerOf(accepted) == process.Id)
                return accepted;
            accepted.Dispose();
            _problem = "another process has connected in its place";
        }
        catch (OperationCanceledException)
        {
            // Told to stop meanwhile.
        }

        return null;
    }

    private static int PeerOf(Socket socket)
    {
        byte[] credentials = new byte[CredentialsLength];
        socket.GetRawSocketOption(SocketLevel, PeerCredentials, credentials);
        return MemoryMarshal.Read<int>(credentials);
    }

    private async Task ListenAsync(Socket management)
    {
        management.SendTimeout = (int)CommandPatience.TotalMilliseconds;   // a process that was stopped must not stop us
        lock (_lock)
            _management = management;
        var reader = new ManagementReader();
        var notices = new List<ManagementNotice>();
        byte[] buffer = new byte[16 * 1024];
        CancellationTokenSource? ending = null;
        try
        {
            // Told to stop, it still says farewell for its clients; but not for ever.
            ending = new CancellationTokenSource();
            using CancellationTokenRegistration stopping = _stop.Token.Register(() => ending.CancelAfter(options.Patience));
            if (_stop.IsCancellationRequested)
                Command("signal SIGTERM");
            while (await management.ReceiveAsync(buffer, SocketFlags.None, ending.Token).ConfigureAwait(false) is var length and > 0)
            {
                reader.Append(buffer.AsSpan(0, length), notices);
                foreach (ManagementNotice notice in notices)
                    On(notice);
                notices.Clear();
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or IOException or UnauthorizedAccessException)
        {
            _problem ??= e is IOException or UnauthorizedAccessException ? $"{link.Device} cannot be used: {e.Message.TrimEnd('.')}" : null;
        }
        finally
        {
            ending?.Dispose();
            lock (_lock)
                _management = null;
            if (reader.RefusedCount > 0)
                options.Log(LogLevel.Warning, $"{name}: {reader.RefusedCount} lines of its management interface could not be read");
        }
    }

    private void On(ManagementNotice notice)
    {
        ManagementLine line = notice.Line;
        switch (line.Kind)
        {
            case ManagementLineKind.Hold:
                Command("state on\nhold release");
                break;
            case ManagementLineKind.Device when line.Word == "UP":
                _device = notice;
                break;
            case ManagementLineKind.State when line.Word == "CONNECTED":
                _detail = null;
                OnConnected();
                break;
            case ManagementLineKind.State when line.Word is "EXITING" or "RECONNECTING":
                _detail = line.Text.Split(',')[0] is { Length: > 0 } detail ? detail : _detail;
                break;
            case ManagementLineKind.Client:
                OnClient(notice);
                break;
            case ManagementLineKind.Fatal or ManagementLineKind.Error:
                _problem ??= line.Kind == ManagementLineKind.Fatal ? line.Text : null;
                options.Log(LogLevel.Warning, $"{name}: {line.Text}");
                break;
        }
    }

    private void OnConnected()
    {
        int mtu = int.TryParse(_device?["tun_mtu"], NumberStyles.None, CultureInfo.InvariantCulture, out int stated) && stated is >= 1280 and <= DefaultMtu ? stated : DefaultMtu;
        int index = KernelLink.Configure(link.Device, mtu, link.LinkLocal.ToIPAddress(), claims);
        bool isClient = _device?.Variables.ContainsKey("common_name") ?? false;
        owner.Tell(new OpenVpnUp(
            id, link.Device, index, isClient ? PeerIn(_device!) : null, IPAddress.TryParse(_device?["OPENVPN_external_ip"], out IPAddress? seen) ? seen : null));
    }

    private void OnClient(ManagementNotice notice)
    {
        uint client = notice.Line.Client;
        ActorRef? who;
        lock (_lock)
        {
            if (notice.Line.Word == "DISCONNECT")
                _clients.Remove(client, out who);
            else
                who = _clients.GetValueOrDefault(client);
        }

        switch (notice.Line.Word)
        {
            case "CONNECT" or "REAUTH":
                (who ?? owner).Tell(new OpenVpnClientAsks(id, client, notice.Line.Key, PeerIn(notice)));
                break;
            case "ESTABLISHED":
                who?.Tell(new OpenVpnClientIn(id, client));
                break;
            case "DISCONNECT":
                who?.Tell(new OpenVpnClientGone(id, client));
                break;
        }
    }

    // A second common name could be that of another node.
    private static OpenVpnPeer PeerIn(ManagementNotice notice)
    {
        bool hasOneName = !notice.Variables.ContainsKey("X509_0_CN_1") && notice["X509_0_CN"] == notice["common_name"];
        ulong? serial = ulong.TryParse(notice["tls_serial_0"], NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) ? number : null;
        return new OpenVpnPeer(hasOneName ? notice["common_name"] : "", serial, RemoteIn(notice, "trusted") ?? RemoteIn(notice, "untrusted"));
    }

    private static IPEndPoint? RemoteIn(ManagementNotice notice, string prefix)
    {
        string text = notice[$"{prefix}_ip"] is { Length: > 0 } ipv4 ? ipv4 : notice[$"{prefix}_ip6"];
        if (!IPAddress.TryParse(text, out IPAddress? address) || !ushort.TryParse(notice[$"{prefix}_port"], NumberStyles.None, CultureInfo.InvariantCulture, out ushort port))
            return null;
        return new IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, port);
    }

    private void Command(string text)
    {
        lock (_lock)
        {
            try
            {
                // Small against the socket's buffer, which a process that works empties at once.
                _management?.Send(Encoding.ASCII.GetBytes(text + "\n"));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // It has ended: its owner hears of that.
            }
        }
    }

    private async Task EndAsync(Process process)
    {
        using var limit = new CancellationTokenSource(options.Patience);
        try
        {
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            options.Log(LogLevel.Warning, $"{name}: process {process.Id} does not end by itself and is killed");
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async Task ReadAsync(StreamReader output)
    {
        while (await output.ReadLineAsync().ConfigureAwait(false) is { } line)
        {
            _lastWords = line;
            options.Log(LogLevel.Debug, $"{name}: {line}");
        }
    }
}
