# What does the Vagrantfile ask for? Its settings as JSON, read without Vagrant: ruby vagrantfile.rb FILE COMMAND...
require "json"

# Takes any setting, and remembers it.
class Remembering
  attr_reader :asked

  def initialize
    @asked = []
  end

  def method_missing(name, *values, &block)
    return self if values.empty? && block.nil?

    settings = Remembering.new
    block&.call(settings, self)
    @asked << [name, values, settings.asked]
    self
  end

  def respond_to_missing?(*)
    true
  end
end

module Vagrant
  def self.configure(_version)
    $settings = Remembering.new
    yield $settings
  end
end

file = ARGV.shift
load file
puts JSON.generate($settings.asked)
