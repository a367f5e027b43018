using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using Mesh.Registry.Http.Mail;
using Mesh.Registry.Mail;

namespace Mesh.Registry.Http.Tests.Mail;

[UnsupportedOSPlatform("windows")]
public sealed class MailboxFileTests : IDisposable
{
    private static readonly DateTimeOffset Time = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    private readonly string _folder = Directory.CreateTempSubdirectory("mesh-mailbox-").FullName;
    private readonly Outcomes _outcomes = new();

    private string FilePath => Path.Combine(_folder, "box");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_mail_stands_in_the_file_and_only_its_owner_can_read_it()
    {
        Deliver(Mail("a@example.com"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
        string[] lines = File.ReadAllLines(FilePath);
        Assert.StartsWith("From registry@example.com ", lines[0], StringComparison.Ordinal);
        Assert.Contains("To: a@example.com", lines, StringComparer.Ordinal);
        Assert.Contains("Subject: [re6stnet] Token Request", lines, StringComparer.Ordinal);
        Assert.EndsWith(": abcdefgh", Assert.Single(lines, static l => l.Contains("abcdefgh", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal(["a@example.com"], Receivers(), StringComparer.Ordinal);
    }

    [Fact]
    public void Lines_that_look_like_the_begin_of_a_mail_are_quoted_and_can_be_unquoted()
    {
        string text = MailboxFile.Format(Mail("a@example.com") with { Token = "x\nFrom me\n>From you\n>>From them\nFromage\n From" }, Time);
        Assert.StartsWith("From registry@example.com Wed Mar  4 05:06:07 2026\nFrom: registry@example.com\n", text, StringComparison.Ordinal);
        Assert.Contains(": x\n>From me\n>>From you\n>>>From them\nFromage\n From\n", text, StringComparison.Ordinal);
        Assert.Contains("\nDate: Wed, 04 Mar 2026 05:06:07 +0000\n", text, StringComparison.Ordinal);
        Assert.EndsWith("\n\n", text, StringComparison.Ordinal);
        Assert.False(text.EndsWith("\n\n\n", StringComparison.Ordinal));
        Assert.Single(text.Split('\n'), static l => l.StartsWith("From ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("From a Wed Mar  4 05:06:07 2026\nTo: half")]
    [InlineData("From a Wed Mar  4 05:06:07 2026\nTo: half\n")]
    [InlineData("From a Wed Mar  4 05:06:07 2026\nTo: half\n\n")]
    public void What_a_crash_left_half_written_does_not_swallow_the_next_mail(string torn)
    {
        File.WriteAllText(FilePath, torn);
        Deliver(Mail("b@example.com"));
        Assert.StartsWith("From a Wed Mar  4 05:06:07 2026\nTo: half\n\nFrom registry@example.com ", File.ReadAllText(FilePath), StringComparison.Ordinal);
        Assert.Equal(["half", "b@example.com"], Receivers(), StringComparer.Ordinal);
    }

    // The other process takes the lock as mail programs do, and writes each of its mails in two pieces.
    [Fact]
    public void Another_process_may_write_to_the_file_at_the_same_time()
    {
        const int Count = 50, MaxOwn = 10_000;
        const string Script = "for i in $(seq \"$2\"); do flock \"$1\" sh -c 'printf \"From o Wed Mar  4 05:06:07 2026\\nTo: other$0\\n\" >>\"$1\"; sleep 0.005; printf \"\\ntext\\n\\n\" >>\"$1\"' \"$i\" \"$1\"; sleep 0.005; done";
        File.WriteAllText(FilePath, "");
        var start = new ProcessStartInfo("sh", ["-c", Script, "sh", FilePath, $"{Count}"]) { UseShellExecute = false };
        using Process other = Process.Start(start)!;
        int own = 0;
        using (var first = new MailboxFile(FilePath))
        using (var second = new MailboxFile(FilePath))
        {
            while (!other.HasExited && own < MaxOwn)
            {
                first.Send(Mail($"own{++own}@example.com"), _outcomes);
                second.Send(Mail($"own{++own}@example.com"), _outcomes);
                Assert.Equal(new MailSent(), _outcomes.Take());
                Assert.Equal(new MailSent(), _outcomes.Take());
            }
        }

        Assert.True(other.WaitForExit(60_000));
        Assert.Equal(0, other.ExitCode);
        string[] receivers = [.. Receivers()];
        Assert.Equal(Enumerable.Range(1, Count).Select(static i => $"other{i}"), receivers.Where(static r => r.StartsWith("other", StringComparison.Ordinal)), StringComparer.Ordinal);
        Assert.Equal(Enumerable.Range(1, own).Select(static i => $"own{i}@example.com").Order(StringComparer.Ordinal), receivers.Where(static r => r.StartsWith("own", StringComparison.Ordinal)).Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.Equal(Count + own, receivers.Length);
        int[] others = [.. Enumerable.Range(0, receivers.Length).Where(i => receivers[i].StartsWith("other", StringComparison.Ordinal))];
        Assert.InRange(others[^1] - others[0], Count + 5, receivers.Length);   // they did take turns
    }

    [Fact]
    public void A_lock_that_is_never_given_back_is_a_failure()
    {
        using var holder = new FileStream(FilePath, FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        using var box = new MailboxFile(FilePath, new HastyClock());
        box.Send(Mail("a@example.com"), _outcomes);
        Assert.Contains("used by another process", _outcomes.TakeFailure(), StringComparison.Ordinal);
        Assert.Equal(0, holder.Length);
    }

    [Fact]
    public void A_file_that_cannot_be_written_is_a_failure_that_names_it()
    {
        using var inNoFolder = new MailboxFile(Path.Combine(_folder, "none", "box"));
        inNoFolder.Send(Mail("a@example.com"), _outcomes);
        Assert.Contains("none/box", _outcomes.TakeFailure(), StringComparison.Ordinal);
        using var folder = new MailboxFile(_folder);
        folder.Send(Mail("a@example.com"), _outcomes);
        Assert.Contains(_folder, _outcomes.TakeFailure(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_full_disk_is_a_failure()
    {
        if (!File.Exists("/dev/full"))
            Assert.Skip("needs /dev/full");
        using var full = new MailboxFile("/dev/full");
        full.Send(Mail("a@example.com"), _outcomes);
        Assert.Contains("No space left", _outcomes.TakeFailure(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_mail_host_that_is_absolute_or_exists_is_a_file()
    {
        Assert.True(MailboxFile.IsPath("/nowhere/box"));
        Assert.True(MailboxFile.IsPath(Path.GetRelativePath(Directory.GetCurrentDirectory(), _folder)));
        Assert.False(MailboxFile.IsPath("mail.example.com"));
    }

    private static TokenMail Mail(string to) => new("registry@example.com", to, "abcdefgh", Time);

    private void Deliver(TokenMail mail)
    {
        using var box = new MailboxFile(FilePath);
        box.Send(mail, _outcomes);
        Assert.Equal(new MailSent(), _outcomes.Take());
    }

    // Each mail begins after an empty line, and has one receiver in its head.
    private IEnumerable<string> Receivers()
    {
        bool isHead = false;
        string before = "";
        foreach (string line in File.ReadLines(FilePath, Encoding.ASCII))
        {
            if (line.StartsWith("From ", StringComparison.Ordinal))
            {
                Assert.Equal("", before);
                isHead = true;
            }
            else if (isHead && line.StartsWith("To: ", StringComparison.Ordinal))
            {
                yield return line[4..];
            }

            isHead &= line.Length > 0;
            before = line;
        }
    }

    /// <summary>Ten seconds pass whenever somebody looks.</summary>
    private sealed class HastyClock : TimeProvider
    {
        private long _seconds;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => _seconds += 10;
    }
}
