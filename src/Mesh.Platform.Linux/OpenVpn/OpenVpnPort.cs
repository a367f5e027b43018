using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.Versioning;
using Mesh.Actors;
using Mesh.Node.Ports;
using Mesh.Protocol.OpenVpn;

namespace Mesh.Platform.Linux.OpenVpn;

/// <summary>Runs OpenVPN processes in the network namespace of this process.</summary>
[SupportedOSPlatform("linux")]
public sealed class OpenVpnPort : IOpenVpnPort, IAsyncDisposable
{
    private const int MaxSocketPath = 107;   // sockaddr_un
    private const int MaxOwnLinks = 1024;

    private readonly OpenVpnPortOptions _options;
    private readonly Queue<int> _ownLinks = new();
    private readonly ConcurrentDictionary<OpenVpnProcessId, (OpenVpnChild Child, Task Running)> _children = new();
    private long _last;
    private volatile bool _isDisposed;

    private OpenVpnPort(OpenVpnPortOptions options) => _options = options;

    /// <summary>Finds out which OpenVPN is installed.</summary>
    /// <param name="program">A path, or a name that is looked for.</param>
    /// <exception cref="IOException">There is none, or it is none that is known here: a sentence for the operator.</exception>
    public static OpenVpnVersion Detect(string program)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, ["--version"]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
            string said = process.StandardOutput.ReadToEnd();   // its end status means nothing
            process.WaitForExit();
            if (!OpenVpnVersion.TryParse(said, out OpenVpnVersion version))
                throw new IOException($"{program} does not say that it is OpenVPN");
            return version.IsAtLeast(OpenVpnVersion.Oldest.Major, OpenVpnVersion.Oldest.Minor)
                ? version
                : throw new IOException($"{program} is OpenVPN {version}; {OpenVpnVersion.Oldest} or later is needed");
        }
        catch (Win32Exception e)
        {
            throw new IOException($"{program} cannot be run: {e.Message}", e);
        }
    }

    /// <summary>Makes the run directory, and ends what an earlier run has left in it.</summary>
    /// <exception cref="IOException">The directory cannot be made, or its path is too long for sockets.</exception>
    public static OpenVpnPort Open(OpenVpnPortOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        const int LongestName = 24;
        if (options.RunDirectory.Length + LongestName > MaxSocketPath)
            throw new IOException($"{options.RunDirectory} is too long for the sockets in it: {MaxSocketPath - LongestName} characters at most");
        Directory.CreateDirectory(options.RunDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        int ended = ProcessRecord.Sweep(options.RunDirectory, options.Patience);
        if (ended > 0)
            options.Log(LogLevel.Warning, $"{ended} OpenVPN processes of an earlier run were ended");
        return new OpenVpnPort(options);
    }

    /// <inheritdoc/>
    public OpenVpnProcessId StartServer(OpenVpnServerOrder order, ActorRef owner)
    {
        ArgumentNullException.ThrowIfNull(order);
        return Start(order.Link, owner, child => OpenVpnArguments.Server(order, _options.Files, _options.Version, child.SocketPath));
    }

    /// <inheritdoc/>
    public OpenVpnProcessId StartClient(OpenVpnClientOrder order, ActorRef owner)
    {
        ArgumentNullException.ThrowIfNull(order);
        return Start(order.Link, owner, child => OpenVpnArguments.Client(order, _options.Files, _options.Version, child.SocketPath));
    }

    /// <inheritdoc/>
    public void Admit(OpenVpnClientAsks asks, ActorRef owner)
    {
        ArgumentNullException.ThrowIfNull(asks);
        ArgumentNullException.ThrowIfNull(owner);
        if (Find(asks.Process) is { } child)
            child.Admit(asks, owner);
        else
            owner.Tell(new OpenVpnClientGone(asks.Process, asks.Client));
    }

    /// <inheritdoc/>
    public void Refuse(OpenVpnClientAsks asks, string reason)
    {
        ArgumentNullException.ThrowIfNull(asks);
        Find(asks.Process)?.Refuse(asks, reason);
    }

    /// <inheritdoc/>
    public void Kill(OpenVpnProcessId process, uint client) => Find(process)?.Kill(client);

    /// <inheritdoc/>
    public void Stop(OpenVpnProcessId process) => Find(process)?.Stop();

    /// <summary>Ends all processes, and waits until they are gone.</summary>
    public async ValueTask DisposeAsync()
    {
        _isDisposed = true;
        foreach ((OpenVpnChild child, _) in _children.Values)
            child.Stop();
        await Task.WhenAll(_children.Values.Select(static entry => entry.Running)).ConfigureAwait(false);
    }

    /// <summary>Whether a link is, or was a while ago, the TAP device of one of the processes, and so no part of the underlay.</summary>
    public bool OwnsLink(int index)
    {
        lock (_ownLinks)
            return _ownLinks.Contains(index);
    }

    // The kernel tells of the end of a device when its process is gone already, so devices are remembered for longer.
    private void Claim(int link)
    {
        lock (_ownLinks)
        {
            _ownLinks.Enqueue(link);
            if (_ownLinks.Count > MaxOwnLinks)
                _ownLinks.Dequeue();
        }
    }

    private OpenVpnChild? Find(OpenVpnProcessId process) => _children.TryGetValue(process, out (OpenVpnChild Child, Task Running) entry) ? entry.Child : null;

    private OpenVpnProcessId Start(OpenVpnLinkOptions link, ActorRef owner, Func<OpenVpnChild, IReadOnlyList<string>> arguments)
    {
        var id = new OpenVpnProcessId(Interlocked.Increment(ref _last));
        if (_isDisposed)
        {
            owner.Tell(new OpenVpnEnded(id, "this node is stopping"));
            return id;
        }

        var child = new OpenVpnChild(id, link.Device, link, _options, owner, Claim);
        var running = new Task<Task>(() => child.RunAsync(arguments(child)));
        Task whole = running.Unwrap().ContinueWith(_ => _children.TryRemove(id, out (OpenVpnChild, Task) _), TaskScheduler.Default);
        _children[id] = (child, whole);
        running.Start(TaskScheduler.Default);
        return id;
    }
}
