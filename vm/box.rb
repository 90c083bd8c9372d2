# Which box does `vagrant up` make the machine from? The first of five places that has one; each is told in a line:
#   1. a box that is here already
#   2. VETHLAB_BOX_URL: a box, a catalogue, or a folder with one, on this computer or on a web server
#   3. vm/metadata.json, the catalogue that `make box` writes
#   4. the catalogue at the releases of the project that this folder is a clone of (or VETHLAB_RELEASES)
#   5. HashiCorp's public registry, as long as it answers
# A catalogue is Vagrant's own: a name, and for each version and provider a url, a checksum and an architecture. A box
# that lies beside its catalogue is taken before the address that stands in it, so that both can be copied anywhere.
require "fileutils"
require "json"
require "net/http"
require "open-uri"
require "openssl"
require "rbconfig"

module Box
  NAME = "vethlab/debian-13"
  ROOT = File.expand_path("..", __dir__)
  # In the Vagrantfile's order, in which Vagrant takes the first that works here.
  PROVIDERS = %w[virtualbox vmware_desktop parallels libvirt]
  # Plain machines, in which provision.sh still has to install everything.
  PUBLIC = { "libvirt" => "debian/bookworm64" }
  PUBLIC.default = "bento/debian-12"
  NO_ANSWER = [OpenURI::HTTPError, SocketError, SystemCallError, Timeout::Error, OpenSSL::SSL::SSLError, IOError,
               URI::Error, Net::ProtocolError, Net::HTTPBadResponse]
  Place = Struct.new(:name, :url)

  # Why a place has no box for this computer.
  class NotThere < StandardError; end

  module_function

  def name
    place.name
  end

  # nil: Vagrant has the box already, or asks the public registry.
  def url
    place.url
  end

  def place
    @place ||= made_first_now? ? first_place : Place.new(of_the_machine || NAME)
  end

  # Vagrant reads its file for every command, and only one of them needs a box.
  def made_first_now?
    ARGV.find { |word| !word.start_with?("-") } == "up" && of_the_machine.nil?
  end

  def of_the_machine
    folder = File.expand_path(ENV["VAGRANT_DOTFILE_PATH"] || ".vagrant", ROOT)
    made = Dir.glob(File.join(folder, "machines", "default", "*", "id")).find { |id| File.size?(id) }
    return if made.nil?

    meta = File.join(File.dirname(made), "box_meta")
    File.exist?(meta) ? JSON.parse(File.read(meta))["name"] : NAME
  end

  def first_place
    %i[here asked_for built released in_public].each do |step|
      return send(step)
    rescue NotThere => reason
      say reason.message
    end
    abort <<~END
      box: No box for #{whom} is to be had. `make box` builds one, on Debian or Ubuntu; VETHLAB_BOX_URL=FOLDER takes
      box: one from a stick or a school's web server. Without Vagrant: docs/machine.md (cloud-init, Lima, WSL2, make vm),
      box: or a recording, which needs Python only: python -m vethlab_sh demo bridge --replay
    END
  end

  # --- the five places

  def here
    version = version_here(NAME) or raise NotThere, "#{NAME} for #{whom} is not here yet"
    say "#{NAME} #{version} is here already (`vagrant box remove #{NAME}` makes room for another)"
    Place.new(NAME)
  end

  def asked_for
    wanted = ENV["VETHLAB_BOX_URL"].to_s
    raise NotThere, "VETHLAB_BOX_URL names no other place" if wanted.empty?

    at(wanted, "VETHLAB_BOX_URL")
  end

  def built
    catalogue = File.join(ROOT, "vm", "metadata.json")
    raise NotThere, "vm/metadata.json is not there: `make box` builds a box here" unless File.exist?(catalogue)

    at(catalogue, "built here")
  end

  def released
    catalogue = ENV["VETHLAB_RELEASES"] || releases
    raise NotThere, "this folder is no clone of a project on GitHub, which could have releases" if catalogue.nil?

    at(catalogue, "the project's releases")
  end

  def in_public
    name = PUBLIC[provider]
    if (version = version_here(name))
      say "#{name} #{version} is here, from HashiCorp's public registry: provision.sh installs the rest from the network"
      return Place.new(name)
    end
    registry = ENV["VAGRANT_SERVER_URL"] || "https://vagrantcloud.com"
    catalogue("#{registry}/#{name}")
    say "#{name} of HashiCorp's public registry, which closes: provision.sh installs the rest from the network"
    Place.new(name)
  end

  # --- what is at a place

  def at(wanted, whose)
    path = local(wanted) || wanted
    path = "#{path.chomp("/")}/metadata.json" if File.directory?(path) || (remote?(path) && path !~ /\.(box|json)\z/)
    if path.end_with?(".box")
      raise NotThere, "#{whose}: there is no #{path}" unless there?(path)

      found = Place.new(NAME, path)
    else
      found = in_catalogue(path)
    end
    say "#{found.name} from #{path} (#{whose})"
    found
  rescue NotThere => reason
    raise NotThere, reason.message.start_with?(whose) ? reason.message : "#{whose}: #{reason.message}"
  end

  def in_catalogue(path)
    read = catalogue(path)
    version = read["versions"].max_by { |each| Gem::Version.new(each["version"]) }
    fitting = version["providers"].select { |box| fits?(box) }
    if fitting.empty?
      others = version["providers"].map { |box| [box["name"], box["architecture"]].compact.join(" ") }
      raise NotThere, "#{path} has no box for #{whom}, only #{others.join(", ")}"
    end
    boxes = fitting.map { |box| box.merge("url" => beside(path, box["url"])) }
    Place.new(read["name"], kept(read.merge("versions" => [version.merge("providers" => boxes)])))
  rescue NoMethodError, TypeError, ArgumentError
    raise NotThere, "#{path} is no catalogue of Vagrant boxes"
  end

  def fits?(box)
    (provider.nil? || box["name"] == provider) && [nil, "unknown", architecture].include?(box["architecture"])
  end

  def beside(path, url)
    near = "#{File.dirname(path)}/#{File.basename(url)}"
    return near if there?(near)

    # A catalogue that was copied without its box has the address of the computer that built it.
    gone = url.start_with?("file://") && !there?(local(url))
    raise NotThere, "#{path} names a box that is neither beside it nor at #{local(url)}" if gone

    url
  end

  # Vagrant 2.3 knows no architectures, and reads a relative url as a file of the folder that one stands in: so it gets
  # a copy that holds what fits, at addresses that are whole.
  def kept(catalogue)
    copy = File.join(ROOT, ".vagrant", "vethlab-catalogue.json")
    FileUtils.mkdir_p(File.dirname(copy))
    File.write(copy, JSON.pretty_generate(catalogue))
    copy
  end

  def catalogue(path)
    read = JSON.parse(text(path))
    raise NotThere, "#{path} is no catalogue of Vagrant boxes" unless read.is_a?(Hash) && read["versions"].is_a?(Array)

    read
  rescue JSON::ParserError
    raise NotThere, "#{path} is no catalogue of Vagrant boxes"
  end

  def text(path)
    return open_url(path, "Accept" => "application/json").read if remote?(path)

    File.read(path)
  rescue *NO_ANSWER => error
    raise NotThere, remote?(path) ? "#{path} does not answer: #{error.message.lines.first.chomp}" : "there is no #{path}"
  end

  def there?(path)
    return File.file?(path) unless remote?(path)

    # Headers are enough: a box has hundreds of megabytes.
    catch(:there) { open_url(path, content_length_proc: ->(_) { throw :there, true }) && true }
  rescue *NO_ANSWER
    false
  end

  def open_url(url, **how)
    headers = how.select { |key, _| key.is_a?(String) }
    URI.parse(url).open(headers.merge(open_timeout: 10, read_timeout: 30, **how.reject { |key, _| key.is_a?(String) }))
  end

  # --- this computer

  def provider
    return @provider if defined?(@provider)

    @provider = ARGV.join(" ")[/--provider[= ](\S+)/, 1] || ENV["VAGRANT_DEFAULT_PROVIDER"] || first_that_works
  end

  def first_that_works
    return unless defined?(Vagrant.plugin)

    known = Vagrant.plugin("2").manager.providers
    PROVIDERS.find { |name| known[name.to_sym]&.first&.usable?(false) }
  end

  def architecture
    { "x86_64" => "amd64", "x64" => "amd64", "aarch64" => "arm64" }.fetch(RbConfig::CONFIG["host_cpu"]) { |cpu| cpu }
  end

  def whom
    "#{provider || "any provider"} on #{architecture}"
  end

  def version_here(name)
    boxes = File.expand_path("boxes/#{name.sub("/", "-VAGRANTSLASH-")}", ENV["VAGRANT_HOME"] || "~/.vagrant.d")
    # Vagrant 2.4 keeps a folder for each architecture.
    found = Dir.glob("#{boxes}/*/{,#{architecture}/}#{provider || "*"}/metadata.json").max
    found && found.delete_prefix("#{boxes}/").split("/").first
  end

  def releases
    origin = IO.popen(["git", "-C", ROOT, "config", "--get", "remote.origin.url"], err: File::NULL, &:read)
    project = origin[%r{github\.com[:/]([^/\s]+/[^/\s]+?)(\.git)?/?\s*\z}, 1]
    project && "https://github.com/#{project}/releases/latest/download/metadata.json"
  rescue SystemCallError # no git
    nil
  end

  def remote?(path)
    path.match?(%r{\Ahttps?://})
  end

  # A path, or the path in a file:// address (on Windows file:///C:/folder); nil for what is on the web.
  def local(wanted)
    return if remote?(wanted)
    return File.expand_path(wanted) unless wanted.start_with?("file://")

    URI::DEFAULT_PARSER.unescape(wanted.delete_prefix("file://")).sub(%r{\A/([A-Za-z]:)}, '\1')
  end

  def say(sentence)
    $stderr.puts "box: #{sentence}" # Vagrant silences `warn`
  end
end
