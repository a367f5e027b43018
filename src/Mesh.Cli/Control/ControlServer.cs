using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Mesh.Actors;
using Mesh.Cli.Files;
using Mesh.Cli.Shell;

namespace Mesh.Cli.Control;

/// <summary>Answers requests of the same machine's administrator over a Unix-domain socket with mode 600.</summary>
/// <remarks>The socket is made in a directory that only the owner may enter and gets its name when it has its mode, so nobody else can ever connect.
/// A socket that a killed process left behind is replaced; that two processes do not use one directory is for the journal's lock.</remarks>
internal sealed class ControlServer : IAsyncDisposable
{
    private const int MaxPathLength = 107;   // struct sockaddr_un, without the end
    private const int MaxConnections = 32;
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(5);

    private readonly Socket _listener;
    private readonly string _path;
    private readonly Func<ControlRequest, Task<ControlAnswer>> _answer;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _connections = new(MaxConnections);
    private readonly Task _accepting;

    private ControlServer(Socket listener, string path, Func<ControlRequest, Task<ControlAnswer>> answer)
    {
        (_listener, _path, _answer) = (listener, path, answer);
        _accepting = Task.Run(AcceptAllAsync);
    }

    /// <summary>Starts to listen.</summary>
    /// <exception cref="CommandFailedException">The path is too long for a socket, or the directory is not writable.</exception>
    public static ControlServer Start(string path, Func<ControlRequest, Task<ControlAnswer>> answer)
    {
        string directory = Path.Combine(Path.GetDirectoryName(path)!, $".control-{Environment.ProcessId}");
        string temporary = Path.Combine(directory, "s");
        if (Encoding.UTF8.GetByteCount(path) > MaxPathLength || Encoding.UTF8.GetByteCount(temporary) > MaxPathLength)
            throw CommandFailedException.Usage($"{path}: the path of a socket has at most {MaxPathLength} octets; use a directory with a shorter path");
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            _ = Directory.CreateDirectory(directory, FileModes.OwnDirectory);
            File.Delete(temporary);
            listener.Bind(new UnixDomainSocketEndPoint(temporary));
            File.SetUnixFileMode(temporary, FileModes.Secret);
            listener.Listen();
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
        finally
        {
            if (Directory.Exists(directory))
                Directory.Delete(directory, recursive: true);
        }
        return new ControlServer(listener, path, answer);
    }

    /// <summary>Stops to listen and removes the socket.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        File.Delete(_path);
        _stop.Dispose();
    }

    private async Task AcceptAllAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _connections.WaitAsync(_stop.Token);
                Socket connection = await _listener.AcceptAsync(_stop.Token);
                _ = Task.Run(() => ServeAsync(connection));
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                if (e is not SocketException)
                    return;
            }
        }
    }

    private async Task ServeAsync(Socket connection)
    {
        using var stream = new NetworkStream(connection, ownsSocket: true);
        try
        {
            while (true)
            {
                using var idle = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                idle.CancelAfter(IdleTimeout);
                string? line = await ControlLine.ReadAsync(stream, idle.Token);
                if (line is null)
                    return;
                await ControlLine.WriteAsync(stream, JsonText.Line(await AnswerAsync(ControlRequest.Parse(line))), idle.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
        {
            // The other end went away or fell silent, or we stop.
        }
        finally
        {
            _connections.Release();
        }
    }

    private async Task<ControlAnswer> AnswerAsync(ControlRequest request)
    {
        try
        {
            return await _answer(request);
        }
        catch (JsonException)
        {
            return ControlAnswer.Refuse($"{request.Name}: the argument cannot be read; is the other program of another version?", isUsage: true);
        }
        catch (AskException e)
        {
            return ControlAnswer.Refuse(e.Message);
        }
    }
}
