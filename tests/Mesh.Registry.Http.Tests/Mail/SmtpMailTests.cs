using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mesh.Registry.Http.Mail;
using Mesh.Registry.Mail;

namespace Mesh.Registry.Http.Tests.Mail;

public sealed class SmtpMailTests
{
    private static readonly TokenMail Mail = new("registry@example.com", "a+b@example.com", "abcdefgh", new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.Zero));

    private readonly Outcomes _outcomes = new();

    [Fact]
    public void The_server_gets_the_mail_and_a_farewell()
    {
        using var server = new PlayedMailServer();
        using (SmtpMail mail = Start(server))
        {
            mail.Send(Mail, _outcomes);
            Assert.Equal(new MailSent(), _outcomes.Take());
        }

        string[] commands = [.. server.Commands];
        Assert.StartsWith("EHLO ", commands[0], StringComparison.Ordinal);
        Assert.Equal(["MAIL FROM:<registry@example.com>", "RCPT TO:<a+b@example.com>", "DATA"], commands[1..4], StringComparer.Ordinal);
        string[] parts = Assert.Single(server.Mails).Split("\n\n", 2);
        string[] headers = parts[0].Split('\n');
        Assert.Contains("From: registry@example.com", headers, StringComparer.OrdinalIgnoreCase);
        Assert.Contains("To: a+b@example.com", headers, StringComparer.OrdinalIgnoreCase);
        Assert.Contains("Subject: [re6stnet] Token Request", headers, StringComparer.Ordinal);
        Assert.Contains("Auto-Submitted: auto-generated", headers, StringComparer.OrdinalIgnoreCase);
        Assert.Contains("Content-Transfer-Encoding: 7bit", headers, StringComparer.OrdinalIgnoreCase);
        Assert.Single(headers, static h => h.StartsWith("Date: ", StringComparison.OrdinalIgnoreCase));
        Assert.Matches("^(?i:message-id): <[0-9a-f]{32}@example.com>$", Assert.Single(headers, static h => h.StartsWith("message-id", StringComparison.OrdinalIgnoreCase)));
        Assert.Equal(Mail.Body.TrimEnd('\n'), parts[1].TrimEnd('\n'));
    }

    [Fact]
    public void Logs_in_where_it_has_a_user()
    {
        using var server = new PlayedMailServer { HasLogin = true };
        using SmtpMail mail = Start(server, o => o with { User = "registry", Password = "gehe\u00edm" });
        mail.Send(Mail, _outcomes);
        Assert.Equal(new MailSent(), _outcomes.Take());
        Assert.Contains("user registry", server.Commands, StringComparer.Ordinal);
        Assert.Contains("password gehe\u00edm", server.Commands, StringComparer.Ordinal);
    }

    [Fact]
    public void A_wrong_password_is_a_failure_that_does_not_name_it()
    {
        using var server = new PlayedMailServer { HasLogin = true, Answers = { ["AUTH"] = "535 no", ["MAIL"] = "530 log in first" } };
        using SmtpMail mail = Start(server, o => o with { User = "registry", Password = "geheim" });
        mail.Send(Mail, _outcomes);
        string reason = _outcomes.TakeFailure();
        Assert.Contains("no", reason, StringComparison.Ordinal);
        Assert.DoesNotContain("geheim", reason, StringComparison.Ordinal);
        Assert.DoesNotContain(Mail.Token, reason, StringComparison.Ordinal);
        Assert.Empty(server.Mails);
    }

    // The framework asks one process-wide callback about the certificates of mail servers; this one adds a single certificate to those that are trusted.
    [Fact]
    public void Encrypts_and_logs_in_behind_the_encryption()
    {
        using X509Certificate2 certificate = MakeCertificate();
        using var server = new PlayedMailServer { Certificate = certificate, HasLogin = true };
        using SmtpMail mail = Start(server, static o => o with { Host = "localhost", StartTls = true, User = "registry", Password = "geheim" });
#pragma warning disable SYSLIB0014, MA0039 // the only way to trust a certificate in a test
        ServicePointManager.ServerCertificateValidationCallback = (_, offered, _, errors) => errors == SslPolicyErrors.None || certificate.Equals(offered);
        try
        {
            mail.Send(Mail, _outcomes);
            Assert.Equal(new MailSent(), _outcomes.Take());
        }
        finally
        {
            ServicePointManager.ServerCertificateValidationCallback = null;
        }
#pragma warning restore SYSLIB0014, MA0039
        string[] commands = [.. server.Commands];
        int tls = Array.IndexOf(commands, "STARTTLS");
        Assert.All(commands[..tls], static c => Assert.StartsWith("EHLO", c, StringComparison.Ordinal));
        Assert.All(commands[(tls + 1)..], static c => Assert.StartsWith("tls ", c, StringComparison.Ordinal));
        Assert.Contains("tls password geheim", commands, StringComparer.Ordinal);
        Assert.Single(server.Mails);
    }

    [Fact]
    public void Sends_nothing_to_a_server_whose_certificate_is_not_trusted()
    {
        using X509Certificate2 certificate = MakeCertificate();
        using var server = new PlayedMailServer { Certificate = certificate, HasLogin = true };
        using SmtpMail mail = Start(server, static o => o with { StartTls = true, User = "registry", Password = "geheim" });
        mail.Send(Mail, _outcomes);
        Assert.Contains("certificate", _outcomes.TakeFailure(), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(server.Commands, static c => c.Contains("geheim", StringComparison.Ordinal) || c.Contains("RCPT", StringComparison.Ordinal));
    }

    [Fact]
    public void Sends_nothing_to_a_server_that_cannot_encrypt()
    {
        using var server = new PlayedMailServer { HasLogin = true };
        using SmtpMail mail = Start(server, static o => o with { StartTls = true, User = "registry", Password = "geheim" });
        mail.Send(Mail, _outcomes);
        Assert.NotEmpty(_outcomes.TakeFailure());
        Assert.All(server.Commands, static c => Assert.StartsWith("EHLO", c, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("CONNECT", "554 go away")]
    [InlineData("MAIL", "451 later")]
    [InlineData("RCPT", "550 no such user here")]
    [InlineData("DATA", "452 disk full")]
    [InlineData(".", "552 too large")]
    [InlineData(".", "what?")]
    public void A_refusal_at_any_step_is_a_failure_with_its_reason(string step, string answer)
    {
        using var server = new PlayedMailServer { Answers = { [step] = answer, ["EHLO"] = step == "CONNECT" ? "500 no" : "250 test" } };
        using SmtpMail mail = Start(server);
        mail.Send(Mail, _outcomes);
        string reason = _outcomes.TakeFailure();
        Assert.StartsWith($"localhost:{server.Port}: ", reason, StringComparison.Ordinal);
        Assert.DoesNotContain(reason, char.IsControl);
        Assert.Equal(0, _outcomes.WaitingCount);
    }

    [Theory]
    [InlineData("CONNECT")]
    [InlineData("EHLO")]
    [InlineData("RCPT")]
    [InlineData(".")]
    public void A_silent_server_costs_no_more_than_the_time_limit(string step)
    {
        using var server = new PlayedMailServer { Answers = { [step] = null } };
        using SmtpMail mail = Start(server, static o => o with { Timeout = TimeSpan.FromSeconds(1) });
        long start = Stopwatch.GetTimestamp();
        mail.Send(Mail, _outcomes);
        Assert.NotEmpty(_outcomes.TakeFailure());
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.FromMilliseconds(900), TimeSpan.FromSeconds(10));
    }

    [Theory]
    [InlineData("EHLO")]
    [InlineData("RCPT")]
    public void A_server_whose_answer_never_ends_costs_no_more_either(string step)
    {
        using var server = new PlayedMailServer { Dripping = step };
        using SmtpMail mail = Start(server, static o => o with { Timeout = TimeSpan.FromSeconds(1) });
        mail.Send(Mail, _outcomes);
        Assert.NotEmpty(_outcomes.TakeFailure());
    }

    [Fact]
    public void Nobody_at_the_port_is_a_failure()
    {
        int port;
        using (var gone = new PlayedMailServer())
            port = gone.Port;
        using var mail = new SmtpMail(new SmtpMailOptions { Host = "127.0.0.1", Port = port });
        mail.Send(Mail, _outcomes);
        Assert.Contains($"127.0.0.1:{port}", _outcomes.TakeFailure(), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_mail_has_an_outcome_when_the_queue_is_full_and_when_it_is_closed()
    {
        using var server = new PlayedMailServer { Answers = { ["RCPT"] = null } };
        SmtpMail mail = Start(server, static o => o with { Connections = 1, MaxWaiting = 2, Timeout = TimeSpan.FromSeconds(2) });
        for (int i = 0; i < 6; i++)
            mail.Send(Mail, _outcomes);
        Assert.InRange(_outcomes.WaitingCount, 3, 4);
        Assert.Equal("too many mails wait already", _outcomes.TakeFailure());
        mail.Dispose();
        mail.Dispose();
        mail.Send(Mail, _outcomes);
        var reasons = new List<string>();
        for (int i = 0; i < 6; i++)
            reasons.Add(_outcomes.TakeFailure());
        Assert.InRange(reasons.Count(static r => r == "the registry stops"), 2, 4);
        Assert.Equal(0, _outcomes.WaitingCount);
    }

    [Theory]
    [InlineData("mail.example.com", "mail.example.com", 25)]
    [InlineData("mail:587", "mail", 587)]
    [InlineData("192.0.2.1:2525", "192.0.2.1", 2525)]
    [InlineData("[2001:db8::1]:2525", "2001:db8::1", 2525)]
    [InlineData("[2001:db8::1]", "2001:db8::1", 25)]
    [InlineData("2001:db8::1", "2001:db8::1", 25)]
    public void Reads_host_and_port(string text, string host, int port)
    {
        Assert.True(SmtpMailOptions.TryParseHost(text, out string readHost, out int readPort));
        Assert.Equal((host, port), (readHost, readPort));
        Assert.Empty(new SmtpMailOptions { Host = readHost, Port = readPort }.Validate());
    }

    [Theory]
    [InlineData("")]
    [InlineData(":25")]
    [InlineData("mail:")]
    [InlineData("mail:0")]
    [InlineData("mail:65536")]
    [InlineData("mail:+25")]
    [InlineData("[mail]:25")]
    [InlineData("[2001:db8::1")]
    [InlineData("ma il")]
    [InlineData("mail\n:25")]
    [InlineData("[[::1]]")]
    [InlineData("[[::]:]")]
    public void Refuses_what_is_no_host(string text) => Assert.False(SmtpMailOptions.TryParseHost(text, out _, out _));

    [Fact]
    public void Names_every_setting_that_breaks_its_rule_and_shows_no_password()
    {
        SmtpMailOptions wrong = new() { Host = "a b", Port = 0, User = "a\nb", Timeout = TimeSpan.Zero, Connections = 0, MaxWaiting = 0 };
        Assert.Equal(7, wrong.Validate().Count());
        Assert.Contains("; ", Assert.Throws<MailException>(() => new SmtpMail(wrong)).Message, StringComparison.Ordinal);
        Assert.Equal("mail:25", new SmtpMailOptions { Host = "mail", User = "a", Password = "geheim" }.ToString());
    }

    private static SmtpMail Start(PlayedMailServer server, Func<SmtpMailOptions, SmtpMailOptions>? change = null)
    {
        var options = new SmtpMailOptions { Host = "localhost", Port = server.Port, Timeout = TimeSpan.FromSeconds(10) };
        return new SmtpMail(change is null ? options : change(options));
    }

    private static X509Certificate2 MakeCertificate()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
