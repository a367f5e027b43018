using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using Mesh.Platform.Linux.Native;
using Mesh.Platform.Linux.Netlink;

namespace Mesh.Platform.Linux.Namespaces;

/// <summary>A network namespace of its own: a machine's worth of links, addresses and routes that touches nothing else. It goes away with its links
/// when it is disposed.</summary>
/// <remarks>It is a file in /run/netns, so that <c>ip netns exec</c> finds it. Names are made unique with the process's number and a counter.
/// Sockets and devices belong for good to the namespace of the thread that made them.</remarks>
public sealed class NetworkNamespace : IDisposable
{
    private const string Folder = "/run/netns";
    private const int NewNetwork = 0x40000000;
    private const nuint BindMount = 4096;
    private const int Detach = 2;
    private static int _count;

    private readonly List<Process> _processes = [];
    private Descriptor _file;

    private NetworkNamespace(string name)
    {
        Name = name;
        Path = $"{Folder}/{name}";
        _file = new Descriptor(-1);
    }

    /// <summary>The name, for <c>ip netns exec</c>.</summary>
    public string Name { get; }

    /// <summary>The file that stands for the namespace.</summary>
    public string Path { get; }

    /// <summary>Makes a namespace with its loopback up.</summary>
    /// <param name="label">The beginning of its name.</param>
    /// <exception cref="LinuxException">The kernel refused, most often because it needs root.</exception>
    public static NetworkNamespace Create(string label)
    {
        string number = Interlocked.Increment(ref _count).ToString(CultureInfo.InvariantCulture);
        var created = new NetworkNamespace($"{label}-{Environment.ProcessId}-{number}");
        try
        {
            // A thread of its own takes on a new namespace and ends; the mount keeps the namespace.
            OnOwnThread(created.Establish);
        }
        catch
        {
            created.Dispose();
            throw;
        }
        return created;
    }

    /// <summary>Removes the namespaces that a process which is gone has left behind, and kills what runs in them.</summary>
    /// <param name="label">The beginning of their names, as it was given to <see cref="Create"/>.</param>
    /// <returns>How many were removed.</returns>
    public static int RemoveLeftovers(string label)
    {
        int removed = 0;
        foreach (string path in Directory.Exists(Folder) ? Directory.GetFiles(Folder, $"{label}*") : [])
        {
            // LABEL-PROCESS-NUMBER
            string[] parts = System.IO.Path.GetFileName(path).Split('-');
            if (parts.Length < 3 || !int.TryParse(parts[^2], NumberStyles.None, CultureInfo.InvariantCulture, out int owner) || Directory.Exists($"/proc/{owner}"))
                continue;
            var leftover = new NetworkNamespace(System.IO.Path.GetFileName(path));
            leftover.KillEverythingInside();
            leftover.Remove();
            removed++;
        }

        return removed;
    }

    /// <summary>Runs <paramref name="action"/> inside, on a thread of its own, and waits for it. Threads that it starts are inside too,
    /// so it must not cause the thread pool to grow: no tasks.</summary>
    public void Run(Action action) => OnOwnThread(() =>
    {
        if (Libc.SetNamespace(_file.Number, NewNetwork) < 0)
            throw LinuxException.FromLastError("enter the network namespace", Name);
        action();
    });

    /// <inheritdoc cref="Run(Action)"/>
    public T Run<T>(Func<T> function)
    {
        T result = default!;
        Run(() => { result = function(); });
        return result;
    }

    /// <summary>Starts a program inside. It is killed, with what it started, when the namespace is disposed.</summary>
    /// <param name="start">The program.</param>
    /// <returns>The process; it belongs to the namespace, which disposes it.</returns>
    public Process Start(ProcessStartInfo start)
    {
        // nsenter turns into the program, so the process is the program's.
        string program = start.FileName;
        string[] arguments = [.. start.ArgumentList];
        start.ArgumentList.Clear();
        foreach (string argument in (string[])[$"--net={Path}", "--", program, .. arguments])
            start.ArgumentList.Add(argument);
        start.FileName = "nsenter";
        Process process = Process.Start(start) ?? throw new IOException($"Cannot start {program} in {Name}.");
        lock (_processes)
            _processes.Add(process);
        return process;
    }

    /// <summary>Joins two namespaces by a pair of virtual Ethernets, both ends up.</summary>
    /// <param name="name">The name of the end here.</param>
    /// <param name="address">Its address.</param>
    /// <param name="other">The other namespace.</param>
    /// <param name="otherName">The name of the end there.</param>
    /// <param name="otherAddress">Its address.</param>
    /// <param name="prefixLength">How many bits of the addresses are the link's prefix.</param>
    public void Connect(string name, IPAddress address, NetworkNamespace other, string otherName, IPAddress otherAddress, int prefixLength)
    {
        Plug(name, other, otherName);
        Configure(name, address, prefixLength);
        other.Configure(otherName, otherAddress, prefixLength);
        AwaitAddress(address);
        other.AwaitAddress(otherAddress);
    }

    /// <summary>Joins two namespaces by a pair of virtual Ethernets that is down and has no addresses yet.</summary>
    /// <param name="name">The name of the end here.</param>
    /// <param name="other">The other namespace.</param>
    /// <param name="otherName">The name of the end there.</param>
    public void Plug(string name, NetworkNamespace other, string otherName) => Run(() =>
    {
        using var netlink = RouteNetlink.Open();
        netlink.AddVirtualEthernet(name, otherName, other._file);
    });

    /// <summary>Gives a link of this namespace an address and brings it up.</summary>
    public void Configure(string link, IPAddress address, int prefixLength) => Run(() =>
    {
        using var netlink = RouteNetlink.Open();
        int index = netlink.GetLink(link).Index;
        netlink.AddAddress(index, address, prefixLength);
        netlink.SetUp(index, up: true);
    });

    /// <summary>Waits until packets to an address of this namespace are taken, which for IPv6 is a moment after it was given and its link is ready.</summary>
    /// <exception cref="TimeoutException">They are not after ten seconds.</exception>
    public void AwaitAddress(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return;
        bool taken = Run(() =>
        {
            using var netlink = RouteNetlink.Open();
            return SpinWait.SpinUntil(
                () => netlink.Routes().Any(route => route is { Kind: KernelRouteKind.Local, Length: 128 } && route.Prefix.Equals(address)),
                TimeSpan.FromSeconds(10));
        });
        if (!taken)
            throw new TimeoutException($"The address {address} in {Name} is not ready.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_file.IsClosed)
            return;
        _file.Dispose();
        try
        {
            KillProcesses();
        }
        finally
        {
            Remove();
        }
    }

    private void Remove()
    {
        _ = Libc.Unmount(Path, Detach);
        File.Delete(Path);
    }

    private void KillEverythingInside()
    {
        try
        {
            _file = Descriptor.Checked(Libc.Open(Path, Libc.ReadOnly | Libc.CloseOnExec), "open", Path);
            string? identity = Run(static () => new FileInfo("/proc/thread-self/ns/net").LinkTarget);
            foreach (Process process in Process.GetProcesses().Where(p => IdentityOf(p.Id) == identity))
                process.Kill();
        }
        catch (Exception e) when (e is LinuxException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // Only its file was left, or a process was faster than we: nothing is in there any more.
        }
        finally
        {
            _file.Dispose();
        }
    }

    private static string? IdentityOf(int process)
    {
        try
        {
            return new FileInfo($"/proc/{process}/ns/net").LinkTarget;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;   // it has ended meanwhile
        }
    }

    private void KillProcesses()
    {
        lock (_processes)
        {
            foreach (Process process in _processes)
            {
                if (!process.HasExited)
                    process.Kill(entireProcessTree: true);
                process.WaitForExit();
                process.Dispose();
            }
            _processes.Clear();
        }
    }

    private void Establish()
    {
        if (Libc.Unshare(NewNetwork) < 0)
            throw LinuxException.FromLastError("make the network namespace", Name);
        Directory.CreateDirectory(Folder);
        File.Create(Path).Dispose();
        if (Libc.Mount("/proc/thread-self/ns/net", Path, type: null, BindMount, 0) < 0)
            throw LinuxException.FromLastError("mount the network namespace", Path);
        _file = Descriptor.Checked(Libc.Open(Path, Libc.ReadOnly | Libc.CloseOnExec), "open", Path);
        using var netlink = RouteNetlink.Open();
        netlink.SetUp(netlink.GetLink("lo").Index, up: true);
    }

    private static void OnOwnThread(Action action)
    {
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                failure = e;   // thrown again where it was asked for
            }
        })
        { IsBackground = true, Name = "namespace" };
        thread.Start();
        thread.Join();
        if (failure is not null)
            ExceptionDispatchInfo.Throw(failure);
    }
}
